"""What a user types, line by line: everything that reading offers, typed into both clients, answered by both servers.

`SHARED` is asked of both servers, which serve comparable content; `OURS` of what only our server serves. In a line,
`c` is the client of the server, `t` its tree of described content, `q` the queries, `np` numpy; `saved` exports into
memory, `drawn` prints a tree, `told` is what an iterable holds.
"""

from __future__ import annotations

REGISTERED = "registered"  # what `script.py` prints when the files are there

# The errors that users are told of; what raises one of their subclasses raises that.
CLEAR = ("KeyError", "IndexError", "ValueError", "TypeError", "ClientError", "HTTPStatusError", "NotImplementedError")

SHARED = {
    "containers": """
        [key in c for key in ('tree', 'minimal', 'files', 'nope')]
        repr(t)
        len(t)
        list(t)
        list(t.keys())
        [type(value).__name__ for value in t.values()]
        [(key, type(value).__name__) for key, value in t.items()]
        [repr(value) for value in t['search'].values()]
        'image' in t
        'nope' in t
        t.get('nope')
        t.get('nope', 5)
        repr(t.get('image'))
        repr(t['empty'])
        list(t['empty'])
        len(t['empty'])
        t == t
        type(t).__name__
        drawn(t)
        drawn(t['deep'], max_lines=None)
        drawn(t['kinds'], max_lines=5)
        drawn(t['empty'])
        list(c['minimal'])
        c['minimal'].metadata
    """,
    "views": """
        repr(t.keys())
        repr(t.values())
        repr(t.items())
        len(t.keys())
        len(t.items())
        t.keys().first()
        t.keys().last()
        repr(t.values().first())
        repr(t.items().last())
        t.keys().head()
        t.keys().head(3)
        t.keys().head(0)
        t.keys().head(1000)
        t.keys().tail()
        t.keys().tail(2)
        [repr(value) for value in t.values().tail(2)]
        t.keys()[0]
        t.keys()[5]
        t.keys()[-1]
        t.keys()[-3]
        t.keys()[1000]
        t.keys()[-1000]
        t.keys()[1:3]
        t.keys()[2:]
        t.keys()[:2]
        t.keys()[:0]
        t.keys()[3:3]
        t.keys()[15:1000]
        t.keys()[1000:]
        t.keys()[-1:-3:-1]
        t.keys()[-3:]
        t.keys()[5:2]
        t.keys()[::2]
        t.keys()['image']
        [repr(value) for value in t.values()[1:3]]
        [(key, repr(value)) for key, value in t.items()[1:3]]
        list(t['many'].keys().page_size(7))
        [repr(value) for value in t['many'].values().page_size(50)][:3]
        t['many'].keys().page_size(7)[3:20]
        t['many'].keys().page_size(7).tail(10)
        list(t['many'])
        len(t['many'])
        t['many'].keys().last()
        t['many'].keys().tail(3)
        t['many'].keys()[99:102]
        [value.read() for value in t['many'].values()[118:]]
        t['empty'].keys().first()
        t['empty'].keys().last()
        t['empty'].keys().head()
        t['empty'].values().tail()
    """,
    "paths": """
        repr(t['deep/er/est'])
        repr(t['deep', 'er', 'est'])
        repr(t['deep']['er']['est'])
        repr(t['/deep/er/'])
        t['deep/er/est'].path_parts
        t['deep/er/est'].uri[-21:]
        repr(t['deep/er/est'].parent)
        t.path_parts
        t['nope']
        t['deep', 'nope']
        t['deep/er/nope']
        t['nope', 'er']
        t['image/nope']
        t['rows/nope']
        t[5]
        t['deep', 5]
        repr(t['odd name'])
        t['odd name'].read()
        t['ü'].read()
        t['a+b (c)'].read()
        repr(t['rows/number'])
        t['rows', 'number'].read()
        repr(t['weather/warmth'])
        t['weather', 'warmth'][0, 1]
    """,
    "descriptions": """
        repr(t.metadata)
        t.metadata['list']
        t.metadata['nope']
        repr(t['rows'].metadata)
        repr(t['search/rose'].metadata['who'])
        t['image'].metadata.__setitem__('units', 'm')
        t.metadata_copy()[0]
        repr(t.specs)
        repr(t['search/rose'].specs)
        [spec.name for spec in t['search/rose'].specs]
        [spec.version for spec in t['search/rose'].specs]
        t.structure()
        t.structure_family.value
        t['image'].structure_family.value
        t['rows'].structure_family.value
        t['points'].structure_family.value
        t['records'].structure_family.value
        t['lists'].structure_family.value
        t['weather'].structure_family.value
        t['image'].structure().shape
        t['image'].structure().chunks
        t['image'].structure().dims
        t['image'].structure().data_type.itemsize
        t['rows'].structure().columns
        t['rows'].structure().npartitions
        t['points'].structure().shape
        t['records'].structure().length
        t['image'].data_sources()
        t.data_sources()
        t.item['id']
        t['image'].item['attributes']['structure']
        t['rows'].item['attributes']['metadata']
        sorted(t['image'].item['links'])
        sorted(t.item['links'])
        sorted(t['rows'].item['links'])
        t['image'].refresh() is not None
        repr(t['image'].include_data_sources())
        t['image'].formats
        t['rows'].formats
        t['points'].formats
        t['records'].formats
        t['lists'].formats
        t.formats
        t['weather'].formats
    """,
    "sorting": """
        t.sorting
        list(t['search'].sort(('color', 1)))
        list(t['search'].sort(('color', -1)))
        list(t['search'].sort(('n', 1)))
        list(t['search'].sort(('n', -1)))
        list(t['search'].sort(('metadata.n', 1)))
        list(t['search'].sort(('who.name', -1)))
        list(t['search'].sort(('color', 1), ('n', -1)))
        list(t['search'].sort(('nobody', 1)))
        list(t['search'].sort(('id', 1)))
        list(t['search'].sort(('id', -1)))
        list(t['search'].sort(('color', 1), ('color', -1)))
        t['search'].sort(('n', 1)).keys().first()
        t['search'].sort(('n', 1)).keys().head(2)
        repr(t['search'].sort(('id', 1)))
        t['search'].sort(('id', -1)).keys().tail(2)
        t['search'].sort(('id', 1)).search(q.Key('color') == 'red').keys().last()
        list(t['many'].sort(('n', 1)))
        t['many'].sort(('n', 1)).keys()[98:103]
    """,
    "searching": """
        list(t['search'].search(q.Key('color') == 'red'))
        list(t['search'].search(q.Key('color') != 'red'))
        list(t['search'].search(q.Key('n') == 1))
        list(t['search'].search(q.Key('n') == 1.0))
        list(t['search'].search(q.Key('n') == '1'))
        list(t['search'].search(q.Key('flag') == True))
        list(t['search'].search(q.Key('who.name') == 'Ann'))
        list(t['search'].search(q.Key('none') == None))
        list(t['search'].search(q.Key('tags') == []))
        list(t['search'].search(q.Key('n') < 2))
        list(t['search'].search(q.Key('n') <= 2))
        list(t['search'].search(q.Key('n') > 2))
        list(t['search'].search(q.Key('n') >= 2.5))
        list(t['search'].search(q.Key('color') > 'green'))
        list(t['search'].search(q.Comparison('lt', 'n', 10)))
        list(t['search'].search(q.Eq('color', 'blue')))
        list(t['search'].search(q.NotEq('n', 2)))
        list(t['search'].search(q.Contains('tags', 'thorn')))
        list(t['search'].search(q.Contains('tags', 'nope')))
        list(t['search'].search(q.In('color', ['red', 'blue'])))
        list(t['search'].search(q.In('n', [1, 2.5])))
        list(t['search'].search(q.In('color', [])))
        list(t['search'].search(q.NotIn('color', ['red'])))
        list(t['search'].search(q.NotIn('color', [])))
        list(t['search'].search(q.KeyPresent('who')))
        list(t['search'].search(q.Like('color', '%e%')))
        list(t['search'].search(q.Regex('color', '^b')))
        list(t['search'].search(q.Regex('color', 'RED', False)))
        list(t['search'].search(q.Regex('color', 'RED')))
        list(t['search'].search(q.FullText('flower')))
        list(t['search'].search(q.FullText('Flower')))
        list(t['search'].search(q.FullText('flow')))
        list(t['search'].search(q.FullText('red flower')))
        list(t['search'].search(q.FullText('blue flower')))
        list(t['search'].search(q.SpecsQuery(['plant'])))
        list(t['search'].search(q.SpecsQuery([])))
        list(t['search'].search(q.SpecQuery('garden')))
        list(t['search'].search(q.StructureFamilyQuery('container')))
        list(t['search'].search(q.KeysFilter(['moss', 'sea', 'nope'])))
        list(t['search'].search(q.KeysFilter([])))
        list(t['search'].search(q.KeyLookup('moss')))
        list(t['search'].search(q.AccessTagsFilter(['public'])))
        repr(t['search'].search(q.Key('color') == 'red'))
        len(t['search'].search(q.Key('color') == 'red'))
        list(t['search'].search(q.Key('color') == 'red').search(q.Key('n') > 1))
        t['search'].search(q.Key('color') == 'red')['rose'].read()
        t['search'].search(q.Key('color') == 'red')['sea']
        'sea' in t['search'].search(q.Key('color') == 'red')
        t['search'].search(q.Key('color') == 'red').keys().last()
        t['search'].search(q.Key('color') == 'red').metadata['title']
        repr(t['search'].search(q.Key('color') == 'nope'))
        [value.metadata['n'] for value in t['search'].search(q.Key('color') == 'red').values()]
        len(t['many'].search(q.Key('n') < -9))
        list(t['many'].search(q.Key('n') < -9))
        t['many'].search(q.Key('n') < -9).keys()[105:]
        bool(q.Key('a') == 1)
        q.SpecsQuery('plant')
        q.StructureFamilyQuery('nope')
        q.Comparison('xx', 'a', 1)
    """,
    "searching deep": """
        told(t.search_deep(q.Key('color') == 'red'))
        repr(t.search_deep(q.Key('color') == 'red'))
        len(t.search_deep(q.Key('color') == 'red'))
        told(t.search_deep(q.Key('color') == 'red', max_depth=2))
        told(t.search_deep(q.Key('color') == 'red', q.Key('n') == 1))
        told(t['search'].search_deep(q.Key('color') == 'blue'))
        [repr(value) for value in t['deep'].search_deep(q.Key('color') == 'red').values()]
        t.search_deep(q.Key('color') == 'red').keys().first()
        t.search_deep(q.Key('color') == 'red').keys().head(2)
        repr(t.search_deep(q.Key('color') == 'red')['deep', 'er'])
        repr(t.search_deep(q.Key('color') == 'red')['deep/er/est'])
        t.search_deep(q.Key('color') == 'red')['search', 'sea']
        told(t.search_deep(q.Key('color') == 'nope'))
        len(t.search_deep(q.Key('n') < -9))
        [path[-1] for path in t.search_deep(q.Key('n') < -9)]
        t.search_deep()
    """,
    "distinct": """
        t['search'].distinct('color')
        t['search'].distinct('color', counts=True)
        t['search'].distinct('who.name', 'color', counts=True)['metadata']
        t['search'].distinct(structure_families=True, counts=True)
        t['search'].distinct(specs=True, counts=True)
        t['search'].distinct('nobody')['metadata']
        t['search'].search(q.Key('color') == 'red').distinct('n')
    """,
    "arrays": """
        repr(t['image'])
        repr(t['cube'])
        repr(t['line'])
        [repr(value) for value in t['kinds'].values()]
        t['image'].shape
        t['image'].ndim
        int(t['image'].size)
        int(t['image'].nbytes)
        t['image'].chunks
        t['image'].dims
        str(t['image'].dtype)
        len(t['image'])
        t['image'].read()
        t['image'][:]
        t['image'][...]
        t['cube'].read()
        t['line'].read()
        np.asarray(t['cube'])
        [row.sum() for row in t['image']]
        t['image'][3]
        t['image'][-1]
        t['image'][3, 4]
        t['image'][3:5]
        t['image'][3:5, ::7]
        t['image'][1::4, -5:]
        t['image'][..., 3]
        t['image'][2, ...]
        t['cube'][1, ..., 2]
        t['cube'][:, 1:2]
        t['cube'][..., :2, 3]
        t['image'][5:5]
        t['image'][7:3]
        t['image'][100:200, 1]
        t['image'][15:100]
        t['image'].read((slice(0, 2), slice(28, None)))
        t['image'].read(np.s_[8:12, 9:11])
        t['image'][::-1, 0]
        t['image'][[0, 1]]
        t['image'][None, 0]
        t['image'][t['image'].read() > 590]
        t['image'][20]
        t['image'][0, 30]
        t['image'][-21]
        t['image'][0, 0, 0]
        t['image']['x']
        t['image'][1.5]
        t['image'].read_block((1, 2))
        t['image'].read_block((0, 0), slice=np.s_[:2, :2])
        t['image'].read_block((1, 0), np.s_[3])
        t['image'].read_block((2, 0))
        t['image'].read_block((0,))
        t['line'].read_block((14,))
        t['kinds/scalar'].read()
        t['kinds/scalar'][()]
        t['kinds/empty'].read()
        t['kinds/empty'][:, 1]
        t['kinds/bytes'].read()
        t['kinds/bool'].read()
        t['kinds/int8'].read()
        t['kinds/uint64'].read()
        t['kinds/big_endian'].read()
        t['kinds/half'].read()
        t['kinds/complex'].read()
        t['kinds/text'].read()
        t['kinds/dates'].read()
        t['kinds/spans'].read()
        t['kinds/nan'].read()
        t['kinds/pets'].read()
        t['kinds/pets'][1]
        t['kinds/pets'][:1]
        c['minimal/A'][:3, :2]
        c['minimal/B'].read().sum()
    """,
    "tables": """
        repr(t['rows'])
        t['rows'].columns
        list(t['rows'])
        t['rows'].read()
        t['one_part'].read()
        t['no_rows'].read()
        t['rows'].read(['letter', 'number'])
        t['rows'].read(['half'])
        t['rows'].read([])
        t['rows'].read('half')
        t['rows'].read(['nope'])
        list(t['rows'].read().index)
        t['rows'].read().index.name
        t['rows'].read_partition(0)
        t['rows'].read_partition(2, columns=['number', 'letter'])
        list(t['rows'].read_partition(1).index)
        t['rows'].read_partition(3)
        t['rows'].read_partition(-1)
        len(t['rows'])
        repr(t['rows']['number'])
        t['rows']['number'].read()
        t['rows']['half'][2:4]
        t['rows']['letter'].read()
        t['rows']['even'].read()
        t['rows']['day'].read()
        t['rows']['gap'].read()
        t['rows']['nope']
        t['no_rows']['x'].read()
        c['minimal/C'].read()
        c['minimal/C'].read_partition(2)['z'].sum()
    """,
    "sparse arrays": """
        repr(t['points'])
        t['points'].shape
        t['points'].chunks
        t['points'].dims
        t['points'].ndim
        t['points'].read()
        t['points'][:]
        t['points'][3]
        t['points'][:4, 5:]
        t['points'][..., 0]
        t['points'][::3]
        t['points'].todense()
        t['points'].read_block((0, 0))
        t['points'].read_block((1, 0))
        t['points'].read_block((0, 0), slice=np.s_[:2])
    """,
    "awkward arrays": """
        repr(t['records'])
        t['records'].read()
        t['records'][:]
        t['records'][0]
        t['records'][1]
        t['records'][-1]
        t['records'][:2]
        t['records']['x']
        t['records']['y']
        t['records'][0, 'y']
        t['records']['x', 0]
        t['records'][2, 0, 'x']
        str(t['records'].read().type)
        t['records']['nope']
    """,
    "ragged arrays": """
        repr(t['lists'])
        t['lists'].shape
        t['lists'].size
        t['lists'].chunks
        t['lists'].ndim
        str(t['lists'].dtype)
        t['lists'].read()
        t['lists'][0]
        t['lists'][-1]
        t['lists'][0, 1]
        t['lists'][0, 0, 1]
        t['lists'][:2]
        t['lists'][:, :1]
        t['lists'][1:3]
        t['lists'][...]
    """,
    "datasets": """
        repr(t['weather'])
        list(t['weather'])
        t['weather'].read()
        t['weather'].read(['rain', 'time', 'lon'])
        t['weather']['lon'].read()
        repr(t['weather']['rain'])
        t['weather']['time'].read()
        t['cooling'].read()
        t['cooling'].read(['warmth', 'time'])
        t['weather'].read(['nope'])
        t['weather']['nope']
        repr(t['weather'].metadata)
        [spec.name for spec in t['weather'].specs]
        [spec.name for spec in t['weather']['time'].specs]
        c['minimal/D'].read()
    """,
    "exports": """
        saved(t['image'].export, format='csv')
        saved(t['image'].export, format='text/csv', slice=np.s_[:2, 3:6])
        saved(t['image'].export, format='json', slice=np.s_[0])
        saved(t['image'].export, format='.npy')
        saved(t['image'].export, format='application/octet-stream', slice=np.s_[3])
        saved(t['image'].export, format='png')[1:4]
        saved(t['image'].export, format='tiff')[:2]
        saved(t['cube'].export, format='html')
        saved(t['image'].export, format='nope')
        saved(t['image'].export)
        named(t['image'].export, 'x.csv', slice=np.s_[:1])
        named(t['image'].export, 'x.nope')
        saved(t['rows'].export, format='csv')
        saved(t['rows'].export, columns=['number', 'letter'], format='csv')
        saved(t['rows'].export, columns=['number', 'half'], format='json')
        saved(t['rows'].export, columns=['nope'], format='csv')
        saved(t['one_part'].export, columns=['number'], format='application/json-seq')
        saved(t['rows'].export, format='html')[:6]
        saved(t['rows'].export, format='xlsx')[:2]
        saved(t['rows'].export, format='parquet')[:4]
        saved(t['rows'].export, format='arrow')[:6]
        saved(t['no_rows'].export, format='csv')
        named(t['rows'].export, 'x.csv', columns=['half'])
        saved(t['points'].export, format='csv')
        saved(t['records'].export, format='json')
        saved(t['records'].export, format='parquet')[:4]
        saved(t['lists'].export, format='json')
        saved(t['lists'].export, format='json', slice=np.s_[:2])
        saved(t['cooling'].export, format='csv')
        saved(t['cooling'].export, format='json')
        saved(t['deep'].export, format='json')
        saved(t['search'].export, ['sea', 'moss'], format='json')
        saved(t['deep'].export, format='h5')[1:4]
        saved(t['search'].export, format='h5')
        saved(t['rows']['half'].export, format='csv')
        saved(t['image'].export, format='csv', slice=np.s_[::7, 0])
        saved(t['image'].export, format='csv', slice=np.s_[:0])
        saved(t['image'].export, format='csv', slice=np.s_[0, ..., 1:3])
    """,
    "files": """
        sorted(files)
        len(files)
        list(files['scan'])
        repr(files['scan'].metadata)
        repr(files['scan/detector/counts'])
        repr(files['scan/detector/counts'].metadata)
        files['scan/detector/counts'][3:5, ::4]
        files['scan/detector/counts'].read_block((1, 0))
        files['scan/detector/names'].read()
        files['scan', 'time'].read()
        repr(files['scan', 'time'])
        files['scan', 'nope']
        repr(files['series'])
        repr(files['series/frame'])
        files['series/frame'][1, :2]
        files['series/frame'][::2, 0, 0]
        files['series/frame'].read().sum()
        files['series/frame'].read_block((4, 0, 0))
        repr(files['single'])
        files['single'].read()
        list(files['spectrum'])
        files['spectrum'].read()
        files['spectrum'].read(['label', 'x'])
        files['spectrum']['x'].read()
        files['spectrum'].structure().npartitions
        list(files['events'])
        files['events'].read()
        files['events'].read(['height'])
        files['events']['when'].read()
        files.data_sources()
        files['series'].data_sources()
        sourced(files['spectrum'])
        sourced(files['single'])
        sourced(files['series/frame'])
        sourced(files['scan'])
        sourced(files['events'])
        raw(files['spectrum'])
        raw(files['series/frame'])
        raw(files['scan'])
        [path.name for path in paths_of(files['series/frame'])]
        [path.name for path in paths_of(files['spectrum'])]
        raw(t['image'])
        saved(files['spectrum'].export, format='csv')
        saved(files['series/frame'].export, format='csv', slice=np.s_[0, 0])
        sorted(files.search(q.StructureFamilyQuery('table')))
        sorted(key for key, value in files.items() if 'sample' in value.metadata)
        list(files.search(q.Key('sample') == 'Si(111)'))
        list(files.search(q.Key('sample') == 'Si(111)').search(q.Key('temperature') > 300))
        list(files.search(q.KeysFilter(['single', 'events'])).sort(('id', 1)))
        list(files.sort(('id', -1)))
        sorted(files.keys().page_size(2))
        files.distinct(structure_families=True, counts=True)['metadata']
        told(files.search_deep(q.StructureFamilyQuery('table')))
    """,
}
OURS = {
    "more of what was asked before": """
        list(t['search'].search(q.KeyPresent('none')))
        list(t['search'].search(q.KeyPresent('n', False)))
        list(t['search'].search(q.SpecsQuery(['plant'], ['garden'])))
        saved(t['points'].export, format='csv', slice=np.s_[:4])
        saved(t['points'].export, format='parquet')[:4]
        saved(t['weather'].export, format='h5')[1:4]
        saved(files['scan'].export, ['time'], format='json')
        drawn(t, max_lines=None)
    """,
    "demo": """
        repr(c['demo'])
        list(c['demo'])
        drawn(c['demo'], max_lines=None)
        c['demo'].keys()[1:3]
        [repr(value) for value in c['demo'].values()[:4]]
        repr(c['demo', 'short_table'].metadata)
        c['demo', 'medium_image'][-2:, ::400]
        c['demo', 'medium_image'][900:2000, 1]
        [c['demo', key].read().sum() for key in ('tiny_image', 'flat_array', 'low_entropy')]
        c['demo', 'big_image'].chunks
        np.sum(c['demo', 'big_image'].read_block((1, 2)))
        len(c['demo', 'long_table'].read())
        c['demo', 'long_table'].read_partition(1, columns=['C'])['C'].sum()
        c['demo', 'short_table'].read(['B'])
        c['demo', 'structured_data', 'pets'].read()
        c['demo', 'sparse_image'][0]
        c['demo', 'awkward_array'].read()
        c['demo', 'structured_data', 'xarray_dataset'].read()
        drawn(c['nested'], max_lines=None)
        c['nested/nested/ragged_array'].read()
        c['nested/scalars/fortytwo'].read()
        c['nested/tables/short_table'].read()
        list(c['demo'].search(q.FullText('dog')))
        list(c['demo'].sort(('color', 1), ('animal', -1)))
        saved(c['demo', 'medium_image'].export, format='png', slice=np.s_[:50, 100:200])[16:24]
    """,
    "files that are damaged": """
        list(c['damaged'])
        [(key, repr(value)) for key, value in c['damaged'].items()]
        [dict(value.metadata) for value in c['damaged'].values()]
        list(c['links/scan'])
        c['links/scan/time'].read()
        c['links/scan/dangling']
    """,
}
