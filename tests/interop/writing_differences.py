"""Where answers to writing differ, and why that is as it should be: each reason with its lines, by group.

A line that is listed here must differ, or else it does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Reasons: TypeAlias = Mapping[str, Mapping[str, str]]

# Lines that our client and the reference's answer differently, whichever server they ask.
CLIENTS: Reasons = {
    "our tables name their columns at every prompt, as the tutorials show it": {
        "tables": """
            repr(w.write_table({'a': [1, 2, 3], 'b': ['x', 'y', 'z']}, key='dict'))
            repr(w.write_table(content.ROWS, key='rows'))
            repr(w.write_table(content.EMPTY, key='empty'))
            repr(w.write_table(kinds_of_columns, key='kinds'))
            repr(w.write_table(pd.DataFrame({'x': [1, 2]}, index=['p', 'q']), key='named_rows'))
            repr(w.write_table(pd.DataFrame({'v': [1., 2]}, index=pd.date_range('2026-01-01', periods=2)), key='times'))
            repr(w.write_table(pd.DataFrame({'kind': pd.Categorical(['lo', 'hi', 'lo'])}), key='categories'))
            repr(w.write_table(pd.DataFrame({'n': pd.array([1, None, 3], 'Int64')}), key='nullable'))
            repr(w.write_table({'when': np.array(['2026-01-01'], 'datetime64[s]'), 'c': [[1, 2]]}, key='nested'))
            repr(w.write_dataframe(pd.DataFrame({'a': [1, 2]}), key='frame'))
            repr(w.write_table(dd.from_pandas(content.ROWS, npartitions=3), key='dask'))
            repr(w.write_table(pd.DataFrame([[1, 2]]), key='numbered'))
            repr(w.write_table({'a': [1]}, key='described', metadata={'m': 1}, specs=['s']))
        """,
        "tables changed": """
            repr(w.write_table(pd.DataFrame({'a': [1, 2, 3], 'b': list('xyz')}), key='t'))
            repr(w.write_table(dd.from_pandas(content.ROWS, npartitions=3), key='parts'))
        """,
        "appendable tables": """
            repr(w.create_appendable_table(pa.schema([('a', 'int64'), ('b', 'string'), ('c', 'float64')]), key='rows'))
            repr(w.create_appendable_table(pa.schema([('a', 'int64'), ('b', 'string')]), key='frames'))
            repr(w.create_appendable_table(pa.schema([('when', pa.timestamp('us')), ('ok', 'bool')]), key='typed'))
            repr(w.create_appendable_table(pa.schema([('v', pa.list_(pa.int64()))]), key='lists'))
            repr(w.create_appendable_table(pa.schema([('v', 'uint8')]), npartitions=3, key='several'))
            repr(w.create_appendable_table(pa.schema([('a', 'int64')]), key='shared', table_name='one_table'))
            repr(w.create_appendable_table(pa.schema([('a', 'int64')]), key='sharing', table_name='one_table'))
        """,
        "containers": """
            repr(w['composed'].write_table({'p': [1, 2], 'q': [0.5, 1.5]}, key='table'))
        """,
        "metadata": """
            repr(w.write_table({'x': [1]}, key='table', metadata={'a': 1}))
        """,
        "registering": """
            repr(w.register(f'{files}/spectrum.csv', key='csv'))
            repr(w.new('table', [csv('spectrum', x='int64', y='float64', label='string')], key='t'))
        """,
        "raw files": """
            repr(w.write_table({'x': [1, 2]}, key='t'))
            repr(w.write_table(dd.from_pandas(content.ROWS, npartitions=2), key='parts'))
        """,
        "copies": """
            repr(w['from'].write_table(content.ROWS, key='table'))
            repr(w['from'].write_table(dd.from_pandas(content.ROWS, npartitions=2), key='parts'))
        """,
    },
    "names of dimensions are a tuple, as everywhere else": {
        "arrays": """
            repr(w.write_array(np.arange(24).reshape(2, 3, 4), key='cube', dims=['x', 'y', 'z']))
        """,
        "sparse arrays": """
            repr(w.write_sparse(np.array([[0, 1]]), np.array([1.5, 2.5]), (4,), key='line', dims=['x'], metadata={}))
        """,
        "ragged arrays": """
            repr(w.write_ragged([[1, 2], [], [3]], key='plain', dims=['event', 'hit']))
        """,
    },
    "our client keeps the names and types of a record's fields": {
        "arrays": """
            repr(w.write_array(content.PETS, key='pets'))
            w['pets'].read()
            w['pets'][1]
            repr(w.write_array(np.zeros(3, [('a', '<f4', (2, 3)), ('b', [('x', 'S3'), ('y', '>i2')])]), key='inner'))
            w['inner'].read()
        """,
    },
    "what would be lost or cannot be kept is refused with a reason, before anything is sent": {
        "arrays": """
            repr(w.write_array(np.array([1, 'a', None], dtype=object), key='objects'))
            repr(w.write_array(np.ma.masked_array([1, 2, 3], [0, 1, 0]), key='masked'))
        """,
        "arrays changed": """
            w['a'].write(np.zeros((2, 3), np.float32))
            w['blocks'].write_block(np.zeros((2, 3)), (2, 0))
        """,
        "arrays reserved": """
            repr(w.new('array', [], key='none'))
        """,
        "tables changed": """
            w['t'].write_partition(1, pd.DataFrame({'a': [6], 'b': ['w']}))
        """,
        "appendable tables": """
            w['rows'].append_partition(1, pa.table({'a': [3], 'b': ['z'], 'c': [1.5]}))
        """,
        "sparse arrays": """
            w['line'].write_block(np.array([[0]]), np.array([8.5]), (1,))
            w['line'].write(np.array([[9]]), np.array([7.5]))
            w['line'].write(np.array([[1], [2]]), np.array([7.5]))
        """,
        "containers": """
            w.create_container('a/b')
            w.create_container('')
            w.create_container('..')
            w.create_container('.')
            w.create_container('x', metadata=5)
            w.create_container('y', metadata=[1])
        """,
        "metadata": """
            w['a'].patch_metadata([{'op': 'add', 'path': '/z', 'value': 1}], content_type='text/plain')
            w['a'].replace_metadata([1])
        """,
        "copies": """
            copy(w['from'], other['to'], on_conflict='nope')
        """,
    },
    "an array without dimensions can be patched, too": {
        "arrays changed": """
            w['scalar'].patch(np.array(7), offset=())
        """,
    },
    "columns come as pandas makes them of Arrow, without a detour by way of dask": {
        "tables": """
            w['kinds'].read()
            [str(dtype) for dtype in w['kinds'].read(['i1', 'f4', 'flag', 'zone']).dtypes]
        """,
        "appendable tables": """
            w['typed'].read()
            [list(value) if value is not None else None for value in w['lists'].read()['v']]
        """,
    },
    "a block has the shape of the block": {
        "sparse arrays": """
            w['blocks'].read_block((1,))
        """,
    },
    "specs may be given as objects or as names, and are sent as the protocol has them": {
        "metadata": """
            [(x := w['a']).update_metadata(specs=['two', Spec('three', '1')]), x.specs]
            w['a'].build_metadata_patches({'m': 2}, specs=['x'])
        """,
    },
    "revisions are a sequence, and nothing is sent that changes nothing": {
        "metadata": """
            w['a'].metadata_revisions[-1]['revision_number']
            w['a'].metadata_revisions[100]
            [(x := w['table']).update_metadata({'a': 2}), len(x.metadata_revisions)]
        """,
    },
    "times are sent with their zone: one that has none is that of the clock": {
        "metadata": """
            w['values'].metadata
        """,
    },
}

# Lines that the two servers answer differently, whichever client asks them.
SERVERS: Reasons = {
    "the names of files are random, and hold nothing that users chose": {
        "arrays": """
            sourced(w['list'])
            sourced(w['dask'])
        """,
        "awkward arrays": """
            sourced(w['r'])
        """,
    },
    "how an array that grows is divided into chunks is up to the server": {
        "arrays changed": """
            w['grows'].chunks
        """,
    },
    "the types of columns stay those that were written": {
        "tables": """
            w['kinds'].read()
        """,
    },
    "the size of a ragged array is that of all its elements, also after it has grown": {
        "ragged arrays": """
            [w['plain'].shape, w['plain'].size, w['plain'].chunks]
        """,
    },
    "a revision says as well who had access": {
        "metadata": """
            sorted(w['a'].metadata_revisions[0]['attributes'])
        """,
    },
    "numbers are sorted as numbers, distinct values by how often they occur": {
        "searching": """
            list(w.sort(('n', -1)))
            list(w.sort(('c', 1), ('n', -1)))
            w.sort(('n', -1)).keys().first()
            list(w.sort(('n', 1)))
            w.distinct('c', counts=True)
            w.search(q.Key('c') == 'blue').distinct('n')['metadata']
        """,
    },
    "our catalog takes every query on every database": {
        "searching": """
            list(w.search(q.Regex('c', '^g')))
        """,
    },
}

# Lines that the reference's server is not asked, since for these the protocol leaves undefined what it does: what our
# server does, it says itself.
UNASKED: Reasons = {
    "chunks of any lengths, parts of blocks, records within records, and arrays that grow from nothing": {
        "arrays": """
            repr(w.write_array(np.zeros(3, [('a', '<f4', (2, 3)), ('b', [('x', 'S3'), ('y', '>i2')])]), key='inner'))
            w['inner'].read()
            w['irregular'].read()
            w['irregular'].read_block((2,))
        """,
        "arrays changed": """
            repr(w.write_array(da.zeros((4, 6), chunks=(2, 3)), key='partly'))
            w['partly'].write_block(np.full((1, 3), 6.0), (0, 1), slice=np.s_[1:2])
            w['partly'].read_block((0, 1))
            w['partly'].read()
            repr(w.write_array(np.zeros((0, 2)), key='from_nothing'))
            [(x := w['from_nothing']).patch(np.ones((2, 2)), offset=0, extend=True), x.shape, x.chunks, x.read()]
            w['scalar'].patch(np.array(7), offset=())
        """,
        "sparse arrays": """
            w['blocks'].read()
        """,
    },
    "data that do not fit": {
        "arrays changed": """
            w['a'].write(np.zeros((3, 3), int))
            w['a'].write(np.zeros((2, 3), np.float32))
            w['blocks'].write_block(np.zeros((1, 3)), (0, 0))
            w['blocks'].write_block(np.zeros((2, 3)), (2, 0))
            w['grows'].patch(np.array([[1, 2]]), offset=0)
            w['grows'].patch(np.array([1]), offset=(0, 0))
        """,
        "arrays reserved": """
            repr(w.new('array', [], key='none'))
        """,
        "tables changed": """
            w['t'].write_partition(1, pd.DataFrame({'a': [6], 'b': ['w']}))
            w['t'].write(pd.DataFrame({'a': [4], 'c': [1]}))
            w['t'].write(pd.DataFrame({'a': ['x'], 'b': ['w']}))
            w['t'].append_partition(0, pd.DataFrame({'a': [7], 'b': ['w']}))
        """,
        "appendable tables": """
            w['rows'].append_partition(0, pa.table({'a': [3], 'b': ['z']}))
            w['rows'].append_partition(0, pa.table({'a': ['q'], 'b': ['z'], 'c': [1.5]}))
            w['rows'].append_partition(0, pa.table({'a': [3], 'b': ['z'], 'c': [1.5], 'd': [1]}))
            w['rows'].append_partition(1, pa.table({'a': [3], 'b': ['z'], 'c': [1.5]}))
            repr(w.create_appendable_table(pa.schema([('b', 'string')]), key='other', table_name='one_table'))
        """,
        "sparse arrays": """
            w['line'].write_block(np.array([[0]]), np.array([8.5]), (1,))
            w['line'].write(np.array([[9]]), np.array([7.5]))
            w['line'].write(np.array([[1], [2]]), np.array([7.5]))
        """,
        "containers": """
            w.create_container('a/b')
            w.create_container('')
            w.create_container('..')
            w.create_container('.')
        """,
        "metadata": """
            w['a'].patch_metadata([{'op': 'test', 'path': '/m', 'value': 2}])
            w['a'].patch_metadata([{'op': 'remove', 'path': '/nope'}])
        """,
    },
    "appendable tables whose partitions are asked for at the same time": {
        "appendable tables": """
            w['several'].read()
        """,
    },
    "appendable tables of data frames, that are overwritten, and of times and truth values": {
        "appendable tables": """
            repr(w.create_appendable_table(pa.schema([('a', 'int64'), ('b', 'string')]), key='frames'))
            w['frames'].append_partition(0, pd.DataFrame({'a': [5], 'b': ['l']}))
            w['frames'].append_partition(0, pd.DataFrame({'a': [6], 'b': ['m']}, index=[7]))
            w['frames'].read()
            w['rows'].write(pd.DataFrame({'a': [1], 'b': ['new'], 'c': [0.]}))
            w['rows'].write_partition(0, pd.DataFrame({'a': [1], 'b': ['new'], 'c': [0.]}))
            w['rows'].read_partition(0)
            repr(w.create_appendable_table(pa.schema([('when', pa.timestamp('us')), ('ok', 'bool')]), key='typed'))
            w['typed'].append_partition(0, pa.table({'when': pa.array([0, 9**9], 'timestamp[us]'), 'ok': [True, None]}))
            w['typed'].read()
        """,
    },
    "what is equal to nothing": {
        "searching": """
            list(w.search(q.Key('n') == None))
        """,
    },
    "files that may not be read, or are not there, and changes of files that are another's": {
        "registering": """
            w.register(f'{files}/../config.yml', key='outside', mimetype='text/csv')
            repr(w.new('array', [tiff(['series/missing'], (4, 6), 'u2')], key='gone'))
            w['single'].write(np.zeros((2, 3), np.float32))
            w['single'].patch(np.zeros((1, 3), np.float32), offset=0)
            w['spectrum'].write(pd.DataFrame({'x': [1]}))
        """,
    },
    "which files an array is kept in": {
        "raw files": """
            manifest(w['a'])
            len(raw(w['a'])) > 0
        """,
    },
}

# Nodes that the clients read differently, wherever they come from: for the reason that `CLIENTS` gives.
READ_DIFFERENTLY = """
    /tables/kinds
    /appendable_tables/typed
    /appendable_tables/lists
"""


def places(table: Reasons) -> set[tuple[str, str]]:
    """The lines that are listed, with their groups."""
    return {
        (group, line.strip())
        for groups in table.values()
        for group, block in groups.items()
        for line in block.splitlines()
        if line.strip()
    }
