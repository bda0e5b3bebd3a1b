"""What a user types to write, line by line: into both clients, for both servers.

In a line, `w` is an empty container, one for each group; `c` the root; `other` the root of the other server, which runs
the other package; `q` the queries, `np` numpy, `pd` pandas, `pa`
pyarrow, `ak` awkward arrays, `da` dask's arrays, `dd` its tables; `content` what the reading tests serve; `files` a
folder that the server may read; and what `writing_script.py` makes. Lines are typed in order, and what one has written,
the next ones find.
"""

from __future__ import annotations

WRITING = {
    "arrays": """
        repr(w.write_array([1, 2, 3], key='list'))
        w['list'].read()
        repr(w.write_array([[0.5, 1], [2, 3]], key='nested'))
        w['nested'].read()
        repr(w.write_array(42, key='number'))
        w['number'].read()
        repr(w.write_array(['a', 'bc'], key='texts'))
        w['texts'].read()
        repr(w.write_array(np.arange(24).reshape(2, 3, 4), key='cube', dims=['x', 'y', 'z']))
        repr(w['cube'])
        w['cube'].dims
        w['cube'].read()
        w['cube'][1, ::2, -1]
        repr(w.write_array(np.arange(12).reshape(3, 4).T, key='transposed'))
        w['transposed'].read()
        repr(w.write_array(np.arange(20)[::-3], key='strided'))
        w['strided'].read()
        [repr(w.write_array(numbers.values, key=key)) for key, numbers in plain_kinds.items()]
        {key: w[key].read() for key in plain_kinds}
        repr(w.write_array(content.PETS, key='pets'))
        w['pets'].read()
        w['pets'][1]
        repr(w.write_array(np.zeros(3, [('a', '<f4', (2, 3)), ('b', [('x', 'S3'), ('y', '>i2')])]), key='inner'))
        w['inner'].read()
        repr(w.write_array(np.array([1, 'a', None], dtype=object), key='objects'))
        'objects' in w
        repr(w.write_array(np.ma.masked_array([1, 2, 3], [0, 1, 0]), key='masked'))
        repr(w.write_array(np.zeros((3, 0, 2)), key='hollow'))
        w['hollow'].read()
        repr(w.write_array(np.zeros(0, '<U5'), key='no_texts'))
        w['no_texts'].read()
        repr(w.write_array(da.from_array(np.arange(60).reshape(6, 10), chunks=((4, 2), (5, 5))), key='dask'))
        repr(w['dask'])
        w['dask'].read()
        w['dask'].read_block((1, 0))
        repr(w.write_array(da.from_array(np.arange(10), chunks=((1, 4, 2, 3),)), key='irregular'))
        repr(w['irregular'])
        w['irregular'].read()
        w['irregular'].read_block((2,))
        repr(w.write_array(da.zeros((0, 4)), key='dask_empty'))
        w['dask_empty'].read()
        repr(w.write_array([1], key='described', metadata={'a': [1, None]}, specs=['one', 'two']))
        w['described'].metadata
        [(spec.name, spec.version) for spec in w['described'].specs]
        isinstance(w.write_array([1.5]).item['id'], str)
        w.write_array([1], key='list')
        w['list'].read()
        w['list'].structure().chunks
        w['list'].dtype.str
        sourced(w['list'])
        sourced(w['dask'])
        saved(w['cube'].export, format='csv', slice=np.s_[0])
        w['number'][()]
    """,
    "arrays changed": """
        repr(w.write_array(np.arange(6).reshape(2, 3), key='a'))
        w['a'].write(np.full((2, 3), 7))
        w['a'].read()
        w['a'].write([[1, 2, 3], [4, 5, 6]])
        w['a'].read()
        w['a'].write(np.zeros((3, 3), int))
        w['a'].write(np.zeros((2, 3), np.float32))
        w['a'].read()
        repr(w.write_array(da.zeros((4, 6), chunks=(2, 3)), key='blocks'))
        w['blocks'].write_block(np.full((2, 3), 5.0), (1, 0))
        w['blocks'].read()
        w['blocks'].read_block((1, 0))
        w['blocks'].write_block(np.zeros((1, 3)), (0, 0))
        w['blocks'].write_block(np.zeros((2, 3)), (2, 0))
        w['blocks'].write_block(np.zeros((2, 3)), (0,))
        w['blocks'].read()
        repr(w.write_array(da.zeros((4, 6), chunks=(2, 3)), key='partly'))
        w['partly'].write_block(np.full((1, 3), 6.0), (0, 1), slice=np.s_[1:2])
        w['partly'].read_block((0, 1))
        w['partly'].read()
        repr(w.write_array(np.array([1, 2, 3]), key='grows'))
        [(x := w['grows']).patch(np.array([4, 5, 6]), offset=3, extend=True), x.shape, x.chunks, repr(x), x.read()]
        repr(w['grows'])
        w['grows'].read()
        [(x := w['grows']).patch(np.array([7]), offset=6, extend=True), x.shape, x.chunks, x.read()]
        [(x := w['grows']).patch(np.array([9, 9]), offset=(1,)), x.read()]
        w['grows'].patch(np.array([0, 0]), offset=6)
        w['grows'].patch(np.array([0, 0]), offset=20)
        w['grows'].patch(np.array([0.5]), offset=0)
        w['grows'].patch(np.array([[1, 2]]), offset=0)
        w['grows'].patch(np.array([1]), offset=0, extend=True, persist=False)
        w['grows'].patch(np.array([1]), offset=(0, 0))
        w['grows'].read()
        [(x := w['grows']).patch(np.array([8]), offset=10, extend=True), x.shape, x.read()]
        w['grows'].read()
        w['grows'].chunks
        w['grows'].structure().resizable
        w['grows'].read_block((0,))
        repr(w.write_array(np.arange(6).reshape(2, 3), key='plane'))
        [(x := w['plane']).patch(np.array([[9, 9, 9]]), offset=(2,), extend=True), x.shape, x.chunks]
        w['plane'].read()
        [(x := w['plane']).patch(np.array([[8]]), offset=(0, 3), extend=True), x.shape, x.chunks]
        w['plane'].read()
        [(x := w['plane']).patch(np.array([[1, 2], [3, 4]]), offset=(3, 3), extend=True), x.shape]
        w['plane'].read()
        w['plane'].patch(np.array([[7]]), offset=(1, 1))
        w['plane'].read()
        repr(w.write_array(da.zeros((4, 4), chunks=2, dtype='i4'), key='tiles'))
        w['tiles'].patch(np.arange(9, dtype='i4').reshape(3, 3), offset=(1, 1))
        w['tiles'].read()
        [(x := w['tiles']).patch(np.ones((2, 4), 'i4'), offset=(4, 0), extend=True), x.chunks]
        w['tiles'].read_block((2, 1))
        w['tiles'].read()
        w['a'].write(np.ones((2, 3), int), persist=False)
        w['a'].read()
        repr(w.write_array(np.array(['ab', 'c']), key='words'))
        [(x := w['words']).patch(np.array(['xy']), offset=2, extend=True), x.read()]
        w['words'].patch(np.array(['much longer']), offset=0)
        repr(w.write_array(np.array(['2026-01-01'], 'datetime64[s]'), key='dates'))
        [(x := w['dates']).patch(np.array(['2026-01-02'], 'datetime64[s]'), offset=1, extend=True), x.read()]
        w['dates'].patch(np.array(['2026-01-02'], 'datetime64[ms]'), offset=0)
        repr(w.write_array(np.zeros((0, 2)), key='from_nothing'))
        [(x := w['from_nothing']).patch(np.ones((2, 2)), offset=0, extend=True), x.shape, x.chunks, x.read()]
        repr(w.write_array(np.array(5), key='scalar'))
        w['scalar'].write(np.array(6))
        w['scalar'].read()
        w['scalar'].patch(np.array(7), offset=())
    """,
    "arrays reserved": """
        repr(w.new('array', [reserved('array', array_structure((4, 2), 'i2'))], key='r'))
        w['r'].read()
        w['r'].write(np.ones((4, 2), 'i2'))
        w['r'].read()
        repr(w.new('container', [], key='box'))
        repr(w.new('array', [], key='none'))
        repr(w.new('array', [reserved('array', array_structure((2,), 'f8'), 'text/nope')], key='odd'))
        repr(w.new('nope', [], key='nope'))
        list(w)
    """,
    "tables": """
        repr(w.write_table({'a': [1, 2, 3], 'b': ['x', 'y', 'z']}, key='dict'))
        w['dict'].read()
        repr(w.write_table(content.ROWS, key='rows'))
        w['rows'].read()
        list(w['rows'].read().index)
        w['rows'].read().index.name
        w['rows'].columns
        w['rows'].read(['letter', 'half'])
        w['rows']['number'].read()
        w['rows']['gap'].read()
        w['rows'].structure().npartitions
        repr(w.write_table(content.EMPTY, key='empty'))
        w['empty'].read()
        [str(dtype) for dtype in w['empty'].read().dtypes]
        repr(w.write_table(kinds_of_columns, key='kinds'))
        w['kinds'].read()
        [str(dtype) for dtype in w['kinds'].read(['i1', 'f4', 'flag', 'zone']).dtypes]
        repr(w.write_table(pd.DataFrame({'x': [1, 2]}, index=['p', 'q']), key='named_rows'))
        list(w['named_rows'].read().index)
        repr(w.write_table(pd.DataFrame({'v': [1., 2]}, index=pd.date_range('2026-01-01', periods=2)), key='times'))
        [str(when) for when in w['times'].read().index]
        repr(w.write_table(pd.DataFrame({'kind': pd.Categorical(['lo', 'hi', 'lo'])}), key='categories'))
        [str(value) for value in w['categories'].read()['kind']]
        repr(w.write_table(pd.DataFrame({'n': pd.array([1, None, 3], 'Int64')}), key='nullable'))
        w['nullable'].read()['n'].isna().tolist()
        repr(w.write_table({'when': np.array(['2026-01-01'], 'datetime64[s]'), 'c': [[1, 2]]}, key='nested'))
        repr(w.write_dataframe(pd.DataFrame({'a': [1, 2]}), key='frame'))
        w['frame'].read()
        repr(w.write_table(dd.from_pandas(content.ROWS, npartitions=3), key='dask'))
        w['dask'].structure().npartitions
        w['dask'].read()
        list(w['dask'].read().index)
        w['dask'].read_partition(1)
        w['dask'].read_partition(2, columns=['letter'])
        w['dask'].read_partition(3)
        w['dask']['half'].read()
        saved(w['dask'].export, format='csv')
        saved(w['dask'].export, columns=['number'], format='json')
        sourced(w['dask'])
        sourced(w['dict'])
        repr(w.write_table({'a': [1, 2], 'b': [1]}, key='uneven'))
        'uneven' in w
        repr(w.write_table({'_a': [1]}, key='reserved'))
        repr(w.write_table(pd.DataFrame([[1, 2]]), key='numbered'))
        repr(w.write_table(pd.DataFrame([[1, 2]], columns=['a', 'a']), key='twice'))
        repr(w.write_table({'a': [1]}, key='dict'))
        repr(w.write_table({'a': [1]}, key='described', metadata={'m': 1}, specs=['s']))
        [w['described'].metadata, [spec.name for spec in w['described'].specs]]
    """,
    "tables changed": """
        repr(w.write_table(pd.DataFrame({'a': [1, 2, 3], 'b': list('xyz')}), key='t'))
        w['t'].write(pd.DataFrame({'a': [4, 5], 'b': list('uv')}))
        w['t'].read()
        w['t'].write_partition(0, pd.DataFrame({'a': [6], 'b': ['w']}))
        w['t'].read()
        w['t'].write_partition(1, pd.DataFrame({'a': [6], 'b': ['w']}))
        w['t'].write(pd.DataFrame({'a': [4], 'c': [1]}))
        w['t'].write(pd.DataFrame({'a': ['x'], 'b': ['w']}))
        w['t'].read()
        w['t'].append_partition(0, pd.DataFrame({'a': [7], 'b': ['w']}))
        repr(w.write_table(dd.from_pandas(content.ROWS, npartitions=3), key='parts'))
        w['parts'].write_partition(1, content.ROWS.iloc[:2])
        w['parts'].read_partition(1)
        w['parts'].read()['number']
    """,
    "appendable tables": """
        repr(w.create_appendable_table(pa.schema([('a', 'int64'), ('b', 'string'), ('c', 'float64')]), key='rows'))
        w['rows'].read()
        w['rows'].columns
        w['rows'].append_partition(0, pa.table({'a': [1, 2], 'b': ['x', 'y'], 'c': [0.5, None]}))
        w['rows'].read()
        w['rows'].append_partition(0, pa.table({'a': [3], 'b': ['z'], 'c': [1.5]}))
        w['rows'].read()
        sorted(w['rows'].read(['c', 'a']).columns)
        w['rows']['a'].read()
        w['rows'].read_partition(0, columns=['b'])
        w['rows'].append_partition(0, pa.table({'a': [3], 'b': ['z']}))
        w['rows'].append_partition(0, pa.table({'a': ['q'], 'b': ['z'], 'c': [1.5]}))
        w['rows'].append_partition(0, pa.table({'a': [3], 'b': ['z'], 'c': [1.5], 'd': [1]}))
        w['rows'].append_partition(1, pa.table({'a': [3], 'b': ['z'], 'c': [1.5]}))
        w['rows'].append_partition(0, {'a': [4], 'b': ['k'], 'c': [2.5]})
        w['rows'].append_partition(pa.table({'a': [6], 'b': ['m'], 'c': [4.5]}), 0)
        w['rows'].read()['a']
        saved(w['rows'].export, format='csv')
        repr(w.create_appendable_table(pa.schema([('a', 'int64'), ('b', 'string')]), key='frames'))
        w['frames'].append_partition(0, pd.DataFrame({'a': [5], 'b': ['l']}))
        w['frames'].append_partition(0, pd.DataFrame({'a': [6], 'b': ['m']}, index=[7]))
        w['frames'].read()
        w['rows'].write(pd.DataFrame({'a': [1], 'b': ['new'], 'c': [0.]}))
        w['rows'].write_partition(0, pd.DataFrame({'a': [1], 'b': ['new'], 'c': [0.]}))
        w['rows'].read_partition(0)
        w['rows'].structure().npartitions
        [(source.mimetype, source.management) for source in sources_of(w['rows'])]
        repr(w.create_appendable_table(pa.schema([('when', pa.timestamp('us')), ('ok', 'bool')]), key='typed'))
        w['typed'].append_partition(0, pa.table({'when': pa.array([0, 9**9], 'timestamp[us]'), 'ok': [True, None]}))
        w['typed'].read()
        repr(w.create_appendable_table(pa.schema([('v', pa.list_(pa.int64()))]), key='lists'))
        w['lists'].append_partition(0, pa.table({'v': [[1, 2], [], None]}))
        [list(value) if value is not None else None for value in w['lists'].read()['v']]
        repr(w.create_appendable_table(pa.schema([('v', 'uint8')]), npartitions=3, key='several'))
        w['several'].append_partition(2, pa.table({'v': pa.array([3], 'uint8')}))
        w['several'].append_partition(0, pa.table({'v': pa.array([1, 2], 'uint8')}))
        w['several'].read()
        w['several'].read_partition(1)
        w['several'].read_partition(2)
        repr(w.create_appendable_table(pa.schema([('a', 'int64')]), key='shared', table_name='one_table'))
        repr(w.create_appendable_table(pa.schema([('a', 'int64')]), key='sharing', table_name='one_table'))
        w['shared'].append_partition(0, pa.table({'a': [1]}))
        w['sharing'].append_partition(0, pa.table({'a': [2]}))
        [w['shared'].read(), w['sharing'].read()]
        repr(w.create_appendable_table(pa.schema([('b', 'string')]), key='other', table_name='one_table'))
        repr(w.create_appendable_table(pa.schema([('b', 'string')]), key='bad', table_name='drop table; --'))
        w['shared'].delete(external_only=False)
        w['sharing'].read()
    """,
    "sparse arrays": """
        repr(w.write_sparse(content.POINTS.coords, content.POINTS.data, content.POINTS.shape, key='p'))
        w['p'].read()
        w['p'].read_block((0, 0))
        repr(w.write_sparse(np.array([[0, 1]]), np.array([1.5, 2.5]), (4,), key='line', dims=['x'], metadata={}))
        w['line'].read()
        w['line'].dims
        w['line'].write(np.array([[3]]), np.array([7.5]))
        w['line'].read()
        w['line'].write_block(np.array([[0]]), np.array([8.5]), (0,))
        w['line'].read()
        w['line'].write_block(np.array([[0]]), np.array([8.5]), (1,))
        w['line'].write(np.array([[9]]), np.array([7.5]))
        w['line'].write(np.array([[1, 2]]), np.array([7.5]))
        w['line'].write(np.array([[1], [2]]), np.array([7.5]))
        w['line'].read()
        repr(w.write_sparse(np.zeros((2, 0), int), np.zeros(0), (3, 3), key='bare'))
        w['bare'].read()
        repr(w.write_sparse(np.array([[0]]), np.array([5], 'i2'), (2,), key='short'))
        w['short'].read()
        sourced(w['p'])
        saved(w['p'].export, format='json')
        repr(w.new('sparse', [reserved('sparse', sparse_structure((6,), ((4, 2),)))], key='blocks'))
        w['blocks'].read()
        w['blocks'].write_block(np.array([[1]]), np.array([4.5]), (1,))
        w['blocks'].read()
        w['blocks'].read_block((1,))
    """,
    "awkward arrays": """
        repr(w.write_awkward(content.RECORDS, key='r'))
        w['r'].read()
        w['r'][0]
        w['r']['x']
        w['r'][:1, 'y']
        repr(w.write_awkward(ak.Array([[1, 2], [], [3]]), key='numbers', metadata={'a': 1}))
        w['numbers'].read()
        w['numbers'].metadata
        repr(w.write_awkward(ak.Array(['a', None, 'ccc']), key='texts'))
        w['texts'].read()
        repr(w.write_awkward(ak.Array([]), key='nothing'))
        w['nothing'].read()
        repr(w.write_awkward(content.RECORDS[1:], key='sliced'))
        w['sliced'].read()
        sourced(w['r'])
        saved(w['r'].export, format='json')
    """,
    "ragged arrays": """
        repr(w.write_ragged(content.LISTS, key='l'))
        w['l'].read()
        w['l'][0]
        w['l'][1:3]
        w['l'][0, 0, 1]
        w['l'].size
        repr(w.write_ragged([[1, 2], [], [3]], key='plain', dims=['event', 'hit']))
        w['plain'].read()
        w['plain'].dims
        [(x := w['plain']).patch(ragged.array([[4, 5, 6]]), offset=3, extend=True), x.shape, x.read()]
        [w['plain'].shape, w['plain'].size, w['plain'].chunks]
        w['plain'].read()
        [(x := w['plain']).patch(ragged.array([[7], []]), offset=4, extend=True), x.shape, x.read()]
        w['plain'].patch(ragged.array([[7]]), offset=1, extend=True)
        w['plain'].patch(ragged.array([[7]]), offset=6, extend=False)
        w['plain'].read()
        w['l'].write(content.LISTS[:])
        w['l'].read()
        repr(w.write_ragged(ak.Array([[1.5], [2.5, 3.5]]), key='of_awkward'))
        w['of_awkward'].read()
        repr(w.write_ragged([np.arange(3), np.arange(2)], key='of_arrays'))
        w['of_arrays'].read()
        repr(w.write_ragged([[0.5] * 40, [1.5] * 30, [2.5] * 20], key='split', max_partition_bytes=400))
        w['split'].read()
        repr(w.write_ragged([[1]], key='fixed', appendable=False))
        saved(w['l'].export, format='json')
    """,
    "datasets": """
        repr(write_xarray_dataset(w, content.WEATHER, key='weather'))
        repr(w['weather'])
        w['weather'].read()
        w['weather'].read(['rain', 'time', 'lon'])
        repr(w['weather']['rain'])
        [spec.name for spec in w['weather']['time'].specs]
        w['weather'].metadata
        repr(write_xarray_dataset(w, content.COOLING, key='cooling'))
        w['cooling'].read()
        repr(write_xarray_dataset(w, content.COOLING, key='cooling'))
        repr(write_xarray_dataset(w, content.WEATHER.chunk({'x': 1}), key='lazy'))
        w['lazy'].read()
        repr(w['lazy']['rain'])
    """,
    "containers": """
        repr(w.create_container('a'))
        repr(w.create_container('b', metadata={'color': 'red'}, specs=['x']))
        w['b'].metadata
        list(w)
        repr(w)
        repr(w['a'].create_container('inner'))
        repr(w['a/inner'].write_array([1], key='z'))
        w['a/inner/z'].read()
        w.create_container('a')
        w.create_container('a/b')
        w.create_container('')
        w.create_container('..')
        w.create_container('.')
        repr(w.create_container('odd key! (1)'))
        repr(w['odd key! (1)'].create_container('ü'))
        w['odd key! (1)/ü'].path_parts[-2:]
        len(w)
        w.create_container('x', metadata=5)
        w.create_container('y', metadata=[1])
        repr(w.create_container('many', specs=[f's{number}' for number in range(20)]))
        w.create_container('more', specs=[f's{number}' for number in range(21)])
        w.create_container('twice', specs=['s', 's'])
        w.create_container('long', specs=['s' * 256])
        len(w.create_container().item['id'])
        w.create_container('a' * 300)
        repr(w.create_container('composed', specs=['composite']))
        type(w['composed']).__name__
        repr(w['composed'].write_table({'p': [1, 2], 'q': [0.5, 1.5]}, key='table'))
        repr(w['composed'].write_array([5, 6], key='r'))
        sorted(w['composed'])
        w['composed'].read()
        w['composed'].write_array([1, 2], key='p')
        w['composed'].create_container('nope')
        repr(w['composed'])
        len(w['composed'])
        w['composed'].read(['p', 'r'])
        w['composed']['q'].read()
        w['composed/table/q'].read()
        list(w['composed'].base)
    """,
    "metadata": """
        repr(w.write_array([1], key='a', metadata={'color': 'red', 'n': {'x': 1, 'y': 2}}, specs=['one']))
        [(x := w['a']).update_metadata({'color': 'blue', 'n': {'x': 5}}), x.metadata]
        w['a'].metadata
        [(x := w['a']).update_metadata({'n': {'y': DELETE_KEY}, 'new': None}), x.metadata]
        w['a'].metadata
        [(x := w['a']).update_metadata(specs=['two', Spec('three', '1')]), x.specs]
        w['a'].specs
        [(x := w['a']).replace_metadata({'fresh': True}), x.metadata]
        w['a'].metadata
        w['a'].specs
        [(x := w['a']).replace_metadata(specs=[]), x.specs, x.metadata]
        w['a'].specs
        [(x := w['a']).patch_metadata([{'op': 'add', 'path': '/added', 'value': [1]}]), x.metadata]
        w['a'].metadata
        [(x := w['a']).patch_metadata({'added': None, 'm': 1}, content_type=MERGE), x.metadata]
        w['a'].metadata
        w['a'].patch_metadata([{'op': 'test', 'path': '/m', 'value': 2}])
        w['a'].patch_metadata([{'op': 'remove', 'path': '/nope'}])
        w['a'].patch_metadata([{'op': 'add', 'path': '/z', 'value': 1}], content_type='text/plain')
        [(x := w['a']).patch_metadata(specs_patch=[{'op': 'add', 'path': '/0', 'value': 'sp'}]), x.specs]
        [(x := w['a']).patch_metadata(specs_patch=['only'], content_type=MERGE), x.specs]
        w['a'].metadata
        w['a'].update_metadata(5)
        w['a'].replace_metadata([1])
        w['a'].build_metadata_patches({'m': 2})
        w['a'].build_metadata_patches({'m': 2}, specs=['x'])
        w['a'].build_metadata_patches()
        len(w['a'].metadata_revisions)
        [revision['revision_number'] for revision in w['a'].metadata_revisions[:]]
        w['a'].metadata_revisions[0]['attributes']['metadata']
        w['a'].metadata_revisions[1]['attributes']['specs']
        w['a'].metadata_revisions[1:3][0]['revision_number']
        w['a'].metadata_revisions[-1]['revision_number']
        w['a'].metadata_revisions[100]
        sorted(w['a'].metadata_revisions[0]['attributes'])
        w['a'].metadata_revisions.delete_revision(1)
        w['a'].metadata_revisions[0]['revision_number']
        w['a'].metadata_revisions.delete_revision(1)
        w['a'].update_metadata({'quiet': 1}, drop_revision=True)
        len(w['a'].metadata_revisions)
        w['a'].metadata
        repr(w.create_container('box', metadata={'a': 1}))
        [(x := w['box']).update_metadata({'b': 2}), x.metadata]
        repr(w.write_table({'x': [1]}, key='table', metadata={'a': 1}))
        [(x := w['table']).update_metadata({'a': 2}), x.metadata]
        [(x := w['table']).update_metadata({'a': 2}), len(x.metadata_revisions)]
        repr(w.create_container('values', metadata=values))
        w['values'].metadata
        [x := w.create_container('same', metadata=values), x.metadata == w['same'].metadata]
        w['a'].update_metadata(specs=[f's{number}' for number in range(21)])
        w['a'].update_metadata(specs=['s', 's'])
        w['a'].metadata_copy()[:2]
        w['a'].access_tags
        w['a'].update_metadata(access_tags=['public'])
        c.update_metadata({'title': 'all'})
        c.metadata
        w['box'].item['attributes']['access_blob']
    """,
    "deleting": """
        repr(w.create_container('a').create_container('b').write_array([1, 2], key='c'))
        w['a'].delete()
        w['a'].delete(recursive=True)
        w['a/b/c'].delete()
        w['a/b/c'].read()
        w['a/b/c'].delete(external_only=False)
        'c' in w['a/b']
        w['a/b'].delete()
        list(w['a'])
        w['a'].delete(recursive=True)
        list(w)
        repr(w.create_container('a'))
        [w.create_container(key).item['id'] for key in ('x', 'y', 'z')]
        repr(w.delete_contents('x'))
        list(w)
        repr(w.delete_contents(['y']))
        w.delete_contents('nope')
        sorted(w)
        repr(w['z'].write_array([1], key='kept'))
        w.delete_contents()
        w.delete_contents(recursive=True)
        repr(w.delete_contents(recursive=True, external_only=False))
        list(w)
        repr(w.write_array([1, 2], key='again'))
        w['again'].delete(external_only=False)
        repr(w.write_array([5], key='again'))
        w['again'].read()
        [x := w['again'], w.delete_contents(external_only=False) is w, x.read()]
        c.delete()
    """,
    "searching": """
        [repr(w.write_array([n], key=f'k{n}', metadata={'n': n, 'c': ['blue', 'red'][n % 2]})) for n in range(12)]
        list(w)
        list(w.search(q.Key('c') == 'red'))
        list(w.search(q.Key('n') > 8))
        list(w.search(q.Key('n') < 3).search(q.Key('c') == 'blue'))
        list(w.sort(('n', -1)))
        list(w.sort(('c', 1), ('n', -1)))
        w.sorting
        w.distinct('c', counts=True)
        len(w.search(q.Key('c') == 'red'))
        w.search(q.Key('c') == 'red').keys().last()
        w.keys().tail(2)
        w.keys()[3:5]
        w.sort(('n', -1)).keys().first()
        w['k3'].update_metadata({'c': 'green'})
        list(w.search(q.Key('c') == 'red'))
        w.distinct('c', counts=True)
        w['k5'].delete(external_only=False)
        list(w.search(q.Key('c') == 'red'))
        list(w.search(q.FullText('green')))
        list(w.search(q.Regex('c', '^g')))
        list(w.search(q.Like('c', 'gr%')))
        list(w.search(q.In('n', [1, 2, 99])))
        list(w.search(q.NotIn('n', [1, 2, 3, 4, 5, 6, 7])))
        list(w.search(q.Contains('c', 'x')))
        list(w.search(q.KeyPresent('n')))
        list(w.search(q.KeyPresent('n', False)))
        list(w.search(q.StructureFamilyQuery('array')))
        w.distinct(structure_families=True, specs=True, counts=True)
        repr(w.create_container('box', metadata={'c': 'red'}, specs=['s']))
        repr(w['box'].create_container('in', metadata={'c': 'red'}))
        repr(w['box/in'].write_array([0], key='deep', metadata={'c': 'red', 'n': 100}))
        list(w.search(q.SpecsQuery(['s'])))
        list(w.search(q.KeysFilter(['k1', 'box', 'nope'])))
        list(w.search(q.Key('n') == None))
        list(w.search(q.Key('n') != 1))
        sorted(told(w.search_deep(q.Key('c') == 'red')))
        sorted(told(w.search_deep(q.Key('c') == 'red', max_depth=2)))
        repr(w.search_deep(q.Key('n') == 100))
        w.search_deep(q.Key('n') == 100)['box', 'in', 'deep'].read()
        list(w.sort(('n', 1)))
        list(w.sort(('id', -1)))
        list(w.items())[0][0]
        repr(w)
        list(w.sort(('nobody', 1)).keys().head(3))
        w.search(q.Key('c') == 'blue').distinct('n')['metadata']
    """,
    "registering": """
        registered(w, 'scan.h5', prefix='/files')
        list(w['files'])
        list(w['files/scan'])
        w['files/scan/time'].read()
        registered(w, '.')
        sorted(w)
        repr(w['series'])
        repr(w['series/frame'])
        w['series/frame'][1, :2]
        w['single'].read()
        w['spectrum'].read()
        w['events'].read(['height'])
        w['scan/detector/counts'][3:5, ::4]
        repr(w['scan'].metadata)
        sourced(w['spectrum'])
        sourced(w['series/frame'])
        sourced(w['scan'])
        [path.name for path in paths_of(w['series/frame'])]
        raw(w['spectrum'])
        raw(w['series/frame'])
        repr(w.register(f'{files}/single.tif', key='one', metadata={'m': 1}))
        w['one'].read()
        w['one'].metadata['m']
        repr(w.register(*[f'{files}/series/frame00{number}.tif' for number in range(3)], key='stack'))
        w['stack'].read().sum()
        sourced(w['stack'])
        repr(w.register(f'{files}/spectrum.csv', key='csv'))
        w['csv'].read()
        repr(w.register(f'{files}/scan.h5', key='h5'))
        w['h5/detector/names'].read()
        repr(w['h5/detector'])
        w.register()
        w.register(f'{files}/nothing.here', key='nothing')
        w.register(f'{files}/single.tif', key='one')
        w.register(f'{files}/missing.tif', key='missing')
        w.register(f'{files}/../config.yml', key='outside', mimetype='text/csv')
        sorted(w)
        repr(w.new('array', [tiff(['single'], (2, 3), 'f4')], key='image'))
        w['image'].read()
        [source.management for source in sources_of(w['image'])]
        repr(w.new('array', [tiff([f'series/frame00{n}' for n in (4, 2, 0)], (3, 4, 6), 'u2')], key='images'))
        w['images'][:, 0, 0]
        manifest(w['images'])
        repr(w.new('table', [csv('spectrum', x='int64', y='float64', label='string')], key='t'))
        w['t'].read()
        w['t']['y'].read()
        repr(w.new('container', [hdf5('scan')], key='tree', metadata={'m': 1}))
        list(w['tree'])
        w['tree/time'].read()
        w['tree'].metadata['m']
        repr(w.new('array', [tiff(['series/missing'], (4, 6), 'u2')], key='gone'))
        w['one'].delete()
        'one' in w
        w['single'].read()
        w['series'].delete(recursive=True)
        w['stack'].read().sum()
        w['single'].write(np.zeros((2, 3), np.float32))
        w['single'].patch(np.zeros((1, 3), np.float32), offset=0)
        w['spectrum'].write(pd.DataFrame({'x': [1]}))
        [(x := w['single']).update_metadata({'seen': True}), w['single'].metadata['seen']]
        w.delete_contents()
        repr(w.delete_contents(recursive=True))
        list(w)
    """,
    "raw files": """
        repr(w.write_array(np.arange(6).reshape(2, 3), key='a'))
        repr(w.write_table({'x': [1, 2]}, key='t'))
        repr(w.write_table(dd.from_pandas(content.ROWS, npartitions=2), key='parts'))
        len(raw(w['t']))
        len(raw(w['parts']))
        len(raw(w['a'])) > 0
        [path.exists() for path in paths_of(w['a'])]
        [path.exists() for path in paths_of(w['parts'])]
        [source.management for source in sources_of(w['a'])]
        [source.mimetype for source in sources_of(w['parts'])]
        [len(source.assets) for source in sources_of(w['parts'])]
        manifest(w['a'])
        manifest(w['t'])
        manifest(w['parts'])
        w.data_sources()
        raw(w)
    """,
    "copies": """
        repr(w.create_container('from', metadata={'title': 'all'}))
        repr(w['from'].write_array(content.COUNTING, key='array', metadata={'a': 1}, specs=['s']))
        repr(w['from'].write_array(da.from_array(np.arange(10), chunks=4), key='chunked'))
        repr(w['from'].write_table(content.ROWS, key='table'))
        repr(w['from'].write_table(dd.from_pandas(content.ROWS, npartitions=2), key='parts'))
        repr(w['from'].write_sparse(content.POINTS.coords, content.POINTS.data, content.POINTS.shape, key='sparse'))
        repr(w['from'].write_awkward(content.RECORDS, key='awkward'))
        repr(w['from'].create_container('inner').write_array([1, 2], key='deep'))
        repr(other.create_container('to'))
        copy(w['from'], other['to'])
        list(other['to'])
        other['to/array'].read()
        other['to/array'].metadata
        other['to/array'].specs
        other['to/chunked'].chunks
        other['to/chunked'].read()
        other['to/table'].read()
        other['to/parts'].read()
        other['to/parts'].structure().npartitions
        other['to/sparse'].read()
        other['to/awkward'].read()
        other['to/inner/deep'].read()
        copy(w['from'], other['to'])
        copy(w['from'], other['to'], on_conflict='skip')
        copy(w['from'], other['to'], on_conflict='nope')
        repr(w.create_container('lists').write_ragged(content.LISTS, key='ragged'))
        repr(w.create_container('copied'))
        copy(w['lists'], w['copied'])
        w['copied/ragged'].read()
    """,
}
