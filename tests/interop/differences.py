"""Where answers differ, and why that is as it should be: each reason with its lines.

A line that is listed here must differ, or else it does not belong here.
"""

from __future__ import annotations

# Lines that our client and the reference's answer differently, whichever server they ask.
CLIENTS = {
    "our tables name their columns at every prompt, as the tutorials show it": """
        repr(t['rows'])
    """,
    "we fetch as many pages as it takes, however many elements are asked for at once": """
        t.keys().head(1000)
        t.keys()[15:1000]
    """,
    "nodes without access tags still have metadata that can be copied": """
        t.metadata_copy()[0]
    """,
    "plugins bring families, so only the server knows which there are": """
        q.StructureFamilyQuery('nope')
    """,
    "an index that cannot be sent is an IndexError, as it is for numpy, and nothing is sent": """
        t['image'][[0, 1]]
        t['image'][None, 0]
        t['image'][t['image'].read() > 590]
        t['image']['x']
        t['image'][1.5]
        t['image'].read_block((0,))
        t['points'].read_block((1, 0))
    """,
    "our client takes every slice that numpy's basic indexing knows, for all families and for exports": """
        t['points'][..., 0]
        t['points'][::3]
        t['records'][2, 0, 'x']
        saved(t['image'].export, format='csv', slice=np.s_[::7, 0])
        saved(t['image'].export, format='csv', slice=np.s_[:0])
        saved(t['image'].export, format='csv', slice=np.s_[0, ..., 1:3])
    """,
    "a selection of nothing, or of what is not there, is refused with a reason": """
        t['rows'].read([])
        t['rows'].read(['nope'])
        t['weather'].read(['nope'])
        raw(t['image'])
    """,
}

# Lines that the reference's client is not asked, since for these the protocol leaves undefined what it does.
UNASKED = """
    t.keys().head(0)
    t.keys()[:0]
    t.keys()[3:3]
"""

# Lines that the two servers answer differently, whichever client asks them.
SERVERS = {
    "how rows are divided into partitions and columns into chunks is up to the server": """
        repr(t['rows/number'])
        repr(t['rows']['number'])
        c['minimal/C'].read_partition(2)['z'].sum()
    """,
    "which formats there are depends on what is installed": """
        t['points'].formats
        t['weather'].formats
    """,
    "the peer leaves undefined where nodes without the key are sorted, and how those are sorted that are alike": """
        list(t['search'].sort(('color', -1)))
        list(t['search'].sort(('n', -1)))
        list(t['search'].sort(('who.name', -1)))
    """,
    "for trees in memory the peer leaves undefined what 'id' and the prefix 'metadata.' sort by": """
        list(t['search'].sort(('metadata.n', 1)))
        list(t['search'].sort(('id', 1)))
        list(t['search'].sort(('id', -1)))
        repr(t['search'].sort(('id', 1)))
        t['search'].sort(('id', -1)).keys().tail(2)
    """,
    "for trees in memory the peer leaves these queries undefined": """
        list(t['search'].search(q.KeyPresent('who')))
        list(t['search'].search(q.Like('color', '%e%')))
        list(t['search'].search(q.FullText('Flower')))
        list(t['search'].search(q.FullText('red flower')))
        list(t['search'].search(q.FullText('blue flower')))
        list(t['search'].search(q.SpecsQuery(['plant'])))
        list(t['search'].search(q.SpecQuery('garden')))
        list(t['search'].search(q.AccessTagsFilter(['public'])))
    """,
    "the protocol leaves undefined what these formats hold, or whether they can hold it": """
        saved(t['cube'].export, format='html')
        saved(t['rows'].export, format='html')[:6]
        saved(t['points'].export, format='csv')
        saved(t['search'].export, format='h5')
        saved(t['deep'].export, format='json')
        saved(t['search'].export, ['sea', 'moss'], format='json')
    """,
    "our exports of datasets keep the coordinates": """
        saved(t['cooling'].export, format='csv')
        saved(t['cooling'].export, format='json')
    """,
    "our server has pandas' resolution for the dates of a table's column": """
        files['events']['when'].read()
    """,
    "a mirrored folder rests in no catalog, and a single file is one asset, not a sequence of one": """
        files.data_sources()
        files['series'].data_sources()
        sourced(files['spectrum'])
        sourced(files['events'])
    """,
}

# Lines that our client answers differently from the reference's on the peer alone, where the peer leaves the order of
# nodes that sort alike undefined: one client reverses it with the order, the other does not.
REVERSED = """
    t['search'].sort(('id', -1)).keys().tail(2)
    t['search'].sort(('id', 1)).search(q.Key('color') == 'red').keys().last()
"""


def lines_of(block: str) -> list[str]:
    return [line.strip() for line in block.splitlines() if line.strip()]


def reasons(table: dict[str, str]) -> dict[str, str]:
    """The reason of each line."""
    return {line: reason for reason, block in table.items() for line in lines_of(block)}
