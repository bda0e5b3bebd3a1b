-- A catalog on PostgreSQL, made by Tiled 0.2.20 as make_catalog.py says; without keys, indexes, triggers and sequences.
CREATE TYPE public.management AS ENUM ( 'external', 'immutable', 'locked', 'writable' );
CREATE TYPE public.scope_name AS ENUM ( 'read:metadata', 'read:data', 'write:metadata', 'write:data', 'delete:revision', 'delete:node', 'create:node', 'register', 'metrics', 'create:apikeys', 'revoke:apikeys', 'admin:apikeys', 'read:principals', 'write:principals', 'read:webhooks', 'write:webhooks' );
CREATE TYPE public.structurefamily AS ENUM ( 'array', 'awkward', 'bytes', 'container', 'ragged', 'sparse', 'table' );
CREATE TABLE public.access_grants ( tag_id integer NOT NULL, principal_id integer NOT NULL, scope public.scope_name NOT NULL );
CREATE TABLE public.access_tag_owners_association ( tag_id integer NOT NULL, principal_id integer NOT NULL );
CREATE TABLE public.access_tags ( id integer NOT NULL, name character varying(255) NOT NULL, is_public boolean DEFAULT false NOT NULL, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.access_tags_principals ( id integer NOT NULL, name character varying(255) NOT NULL, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.alembic_version ( version_num character varying(32) NOT NULL );
CREATE TABLE public.assets ( id integer NOT NULL, data_uri character varying(1023), is_directory boolean NOT NULL, hash_type character varying(63), hash_content character varying(1023), size bigint, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.data_source_asset_association ( data_source_id integer NOT NULL, asset_id integer NOT NULL, parameter character varying(255), num integer );
CREATE TABLE public.data_sources ( id integer NOT NULL, node_id integer NOT NULL, structure_id character varying(32), mimetype character varying(255) NOT NULL, parameters jsonb, properties jsonb, management public.management NOT NULL, structure_family public.structurefamily NOT NULL, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.entities ( id character varying NOT NULL, node_id integer, entity_type character varying NOT NULL, name character varying NOT NULL, uri character varying, properties json NOT NULL, created_at timestamp with time zone NOT NULL );
CREATE TABLE public.entity_access_tags_association ( entity_id character varying NOT NULL, tag_id integer NOT NULL );
CREATE TABLE public.link_access_tags_association ( link_id character varying NOT NULL, tag_id integer NOT NULL );
CREATE TABLE public.links ( id character varying NOT NULL, subject_id character varying NOT NULL, predicate character varying NOT NULL, object_id character varying NOT NULL, properties json NOT NULL, created_at timestamp with time zone NOT NULL );
CREATE TABLE public.namespaces ( prefix character varying NOT NULL, uri character varying NOT NULL, created_at timestamp with time zone NOT NULL );
CREATE TABLE public.node_access_tags_association ( node_id integer NOT NULL, tag_id integer NOT NULL, parent_id integer );
CREATE TABLE public.nodes ( id integer NOT NULL, parent integer, key character varying(1023) NOT NULL, structure_family public.structurefamily NOT NULL, metadata jsonb NOT NULL, specs jsonb NOT NULL, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.nodes_closure ( ancestor integer NOT NULL, descendant integer NOT NULL, depth integer NOT NULL );
CREATE TABLE public.revisions ( id integer NOT NULL, node_id integer NOT NULL, revision_number integer NOT NULL, metadata jsonb NOT NULL, specs jsonb NOT NULL, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.structures ( id character varying(32) NOT NULL, structure jsonb NOT NULL );
CREATE TABLE public.webhook_deliveries ( id integer NOT NULL, webhook_id integer NOT NULL, event_id character varying(128) NOT NULL, event_type character varying(128) NOT NULL, payload jsonb NOT NULL, status_code integer, attempts integer DEFAULT 0 NOT NULL, delivered_at timestamp without time zone, outcome character varying(16) DEFAULT 'pending'::character varying NOT NULL, error_detail character varying(4096), time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
CREATE TABLE public.webhooks ( id integer NOT NULL, node_id integer NOT NULL, url character varying(2048) NOT NULL, secret character varying(512), events jsonb, active boolean DEFAULT true NOT NULL, time_created timestamp without time zone DEFAULT now(), time_updated timestamp without time zone DEFAULT now() );
INSERT INTO public.access_tags VALUES (1, 'public', true, '2026-11-21 12:16:35.236784', '2026-11-21 12:16:35.236784');
INSERT INTO public.access_tags VALUES (2, 'staff', false, '2026-11-21 12:16:37.505605', '2026-11-21 12:16:37.505605');
INSERT INTO public.access_tags VALUES (3, 'unused', false, '2026-11-21 12:16:37.505605', '2026-11-21 12:16:37.505605');


--
-- Data for Name: access_tags_principals; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.alembic_version VALUES ('917dbbcfc4b1');


--
-- Data for Name: assets; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.assets VALUES (1, 'file://localhost/srv/old/data/raw/inner/changed', true, NULL, NULL, NULL, '2026-11-21 12:16:45.797332', '2026-11-21 12:16:45.797332');
INSERT INTO public.assets VALUES (2, 'file://localhost/srv/old/data/raw/inner/twin+of+a+shape', true, NULL, NULL, NULL, '2026-11-21 12:16:46.393738', '2026-11-21 12:16:46.393738');
INSERT INTO public.assets VALUES (3, 'file://localhost/srv/old/data/raw/inner/%C3%BC+%25+%C3%A9', true, NULL, NULL, NULL, '2026-11-21 12:16:46.501574', '2026-11-21 12:16:46.501574');
INSERT INTO public.assets VALUES (4, 'file://localhost/srv/old/data/raw/inner/table/partition-0.parquet', false, NULL, NULL, NULL, '2026-11-21 12:16:47.201452', '2026-11-21 12:16:47.201452');
INSERT INTO public.assets VALUES (5, 'file://localhost/srv/old/data/raw/inner/sparse/block-0.0.parquet', false, NULL, NULL, NULL, '2026-11-21 12:16:50.401987', '2026-11-21 12:16:50.401987');
INSERT INTO public.assets VALUES (6, 'file://localhost/srv/old/data/raw/inner/awkward', true, NULL, NULL, NULL, '2026-11-21 12:16:50.559728', '2026-11-21 12:16:50.559728');
INSERT INTO public.assets VALUES (7, 'duckdb://localhost//srv/old/t.duckdb', false, NULL, NULL, NULL, '2026-11-21 12:16:50.684473', '2026-11-21 12:16:50.684473');
INSERT INTO public.assets VALUES (9, 'file://localhost/srv/old/files/img000.tif', false, NULL, NULL, 296, '2026-11-21 12:17:04.684894', '2026-11-21 12:17:04.684894');
INSERT INTO public.assets VALUES (10, 'file://localhost/srv/old/files/img001.tif', false, NULL, NULL, 296, '2026-11-21 12:17:04.684894', '2026-11-21 12:17:04.684894');
INSERT INTO public.assets VALUES (11, 'file://localhost/srv/old/files/img002.tif', false, NULL, NULL, 296, '2026-11-21 12:17:04.684894', '2026-11-21 12:17:04.684894');
INSERT INTO public.assets VALUES (12, 'file://localhost/srv/old/files/scan.h5', false, NULL, NULL, 8240, '2026-11-21 12:17:04.858574', '2026-11-21 12:17:04.858574');
INSERT INTO public.assets VALUES (13, 'file://localhost/srv/old/files/t.csv', false, NULL, NULL, 6, '2026-11-21 12:17:04.926758', '2026-11-21 12:17:04.926758');
INSERT INTO public.assets VALUES (14, 'file://localhost/srv/old/files/z.zarr', true, NULL, NULL, NULL, '2026-11-21 12:17:05.366468', '2026-11-21 12:17:05.366468');


--
-- Data for Name: data_source_asset_association; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.data_source_asset_association VALUES (1, 1, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (2, 2, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (3, 3, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (4, 4, 'data_uris', 0);
INSERT INTO public.data_source_asset_association VALUES (5, 5, 'data_uris', 0);
INSERT INTO public.data_source_asset_association VALUES (6, 6, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (7, 7, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (8, 7, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (10, 9, 'data_uris', 0);
INSERT INTO public.data_source_asset_association VALUES (10, 10, 'data_uris', 1);
INSERT INTO public.data_source_asset_association VALUES (10, 11, 'data_uris', 2);
INSERT INTO public.data_source_asset_association VALUES (11, 12, 'data_uri', NULL);
INSERT INTO public.data_source_asset_association VALUES (12, 13, 'data_uris', 0);
INSERT INTO public.data_source_asset_association VALUES (13, 14, 'data_uri', NULL);


--
-- Data for Name: data_sources; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.data_sources VALUES (1, 3, '9e975a61c12a8cf36c88e464ac37913c', 'application/x-zarr', '{}', '{}', 'writable', 'array', '2026-11-21 12:16:45.797332', '2026-11-21 12:16:45.797332');
INSERT INTO public.data_sources VALUES (2, 4, 'abdf207903787dbb44f7d3aae0cb2801', 'application/x-zarr', '{}', '{}', 'writable', 'array', '2026-11-21 12:16:46.393738', '2026-11-21 12:16:46.393738');
INSERT INTO public.data_sources VALUES (3, 5, 'abdf207903787dbb44f7d3aae0cb2801', 'application/x-zarr', '{}', '{}', 'writable', 'array', '2026-11-21 12:16:46.501574', '2026-11-21 12:16:46.501574');
INSERT INTO public.data_sources VALUES (4, 6, '80998fae337160cc88af52df574bb8c9', 'application/x-parquet', '{}', '{}', 'writable', 'table', '2026-11-21 12:16:47.201452', '2026-11-21 12:16:47.201452');
INSERT INTO public.data_sources VALUES (5, 7, 'bc2a25f4db16960c9ddf00144ba60a5d', 'application/x-parquet;structure=sparse', '{}', '{}', 'writable', 'sparse', '2026-11-21 12:16:50.401987', '2026-11-21 12:16:50.401987');
INSERT INTO public.data_sources VALUES (6, 8, '643662f4100f8a7a08ba2836c0e91d07', 'application/x-awkward-buffers', '{}', '{}', 'writable', 'awkward', '2026-11-21 12:16:50.559728', '2026-11-21 12:16:50.559728');
INSERT INTO public.data_sources VALUES (7, 9, 'b34732b266a5e1862f6885b536fba752', 'application/x-tiled-sql-table', '{"dataset_id": 1, "table_name": "table_81d159d98b91ed6bc2ef41fb23795f38"}', '{}', 'writable', 'table', '2026-11-21 12:16:50.684473', '2026-11-21 12:16:50.684473');
INSERT INTO public.data_sources VALUES (8, 10, '9b40e366c93e1fb93a496c132ec867a7', 'application/x-ragged+sql', '{"dataset_id": 2, "table_name": "table_cbd41533262dc1277afdb4e3c325c138"}', '{}', 'writable', 'ragged', '2026-11-21 12:16:50.894787', '2026-11-21 12:16:50.894787');
INSERT INTO public.data_sources VALUES (10, 13, '7280bd30ffd538d8bde6f91522a1dda2', 'multipart/related;type=image/tiff', '{}', '{}', 'external', 'array', '2026-11-21 12:17:04.684894', '2026-11-21 12:17:04.684894');
INSERT INTO public.data_sources VALUES (11, 14, 'ce5c450f864003dff29dd23a051a5b2a', 'application/x-hdf5', '{}', '{}', 'external', 'container', '2026-11-21 12:17:04.858574', '2026-11-21 12:17:04.858574');
INSERT INTO public.data_sources VALUES (12, 15, '7239816ef9c33e94b44b8927bbc961b0', 'text/csv', '{}', '{}', 'external', 'table', '2026-11-21 12:17:04.926758', '2026-11-21 12:17:04.926758');
INSERT INTO public.data_sources VALUES (13, 16, 'f02d41d03309ba5a1a46109d3c4eea2e', 'application/x-zarr', '{}', '{}', 'external', 'container', '2026-11-21 12:17:05.366468', '2026-11-21 12:17:05.366468');


--
-- Data for Name: entities; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: entity_access_tags_association; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: link_access_tags_association; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: links; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: namespaces; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: node_access_tags_association; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.node_access_tags_association VALUES (0, 1, NULL);
INSERT INTO public.node_access_tags_association VALUES (2, 1, 1);
INSERT INTO public.node_access_tags_association VALUES (2, 2, 1);


--
-- Data for Name: nodes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.nodes VALUES (0, NULL, '', 'container', '{}', '[]', '2026-11-21 12:16:35.236784', '2026-11-21 12:16:35.236784');
INSERT INTO public.nodes VALUES (1, 0, 'raw', 'container', '{"color": "red", "number": 1}', '[{"name": "crate", "version": "2"}, {"name": "plain", "version": null}]', '2026-11-21 12:16:43.904182', '2026-11-21 12:16:43.904182');
INSERT INTO public.nodes VALUES (2, 1, 'inner', 'container', '{"depth": 2}', '[]', '2026-11-21 12:16:43.9929', '2026-11-21 12:16:43.9929');
INSERT INTO public.nodes VALUES (3, 2, 'changed', 'array', '{"f": 0.1, "t": true, "v": 4}', '[{"name": "new", "version": null}]', '2026-11-21 12:16:45.797332', '2026-11-21 12:16:46.317937');
INSERT INTO public.nodes VALUES (4, 2, 'twin of a shape', 'array', '{"large": 1000000000000000, "nested": {"a.b": {}}}', '[]', '2026-11-21 12:16:46.393738', '2026-11-21 12:16:46.393738');
INSERT INTO public.nodes VALUES (5, 2, 'ü % é', 'array', '{}', '[]', '2026-11-21 12:16:46.501574', '2026-11-21 12:16:46.501574');
INSERT INTO public.nodes VALUES (6, 2, 'table', 'table', '{"text": "dark matter"}', '[]', '2026-11-21 12:16:47.201452', '2026-11-21 12:16:47.201452');
INSERT INTO public.nodes VALUES (7, 2, 'sparse', 'sparse', '{}', '[]', '2026-11-21 12:16:50.401987', '2026-11-21 12:16:50.401987');
INSERT INTO public.nodes VALUES (8, 2, 'awkward', 'awkward', '{}', '[]', '2026-11-21 12:16:50.559728', '2026-11-21 12:16:50.559728');
INSERT INTO public.nodes VALUES (9, 2, 'appendable', 'table', '{}', '[]', '2026-11-21 12:16:50.684473', '2026-11-21 12:16:50.684473');
INSERT INTO public.nodes VALUES (10, 2, 'ragged', 'ragged', '{}', '[]', '2026-11-21 12:16:50.894787', '2026-11-21 12:16:50.894787');
INSERT INTO public.nodes VALUES (12, 0, 'registered', 'container', '{}', '[]', '2026-11-21 12:16:56.73643', '2026-11-21 12:16:56.73643');
INSERT INTO public.nodes VALUES (13, 12, 'img', 'array', '{}', '[]', '2026-11-21 12:17:04.684894', '2026-11-21 12:17:04.684894');
INSERT INTO public.nodes VALUES (14, 12, 'scan', 'container', '{"s": "Si"}', '[]', '2026-11-21 12:17:04.858574', '2026-11-21 12:17:04.858574');
INSERT INTO public.nodes VALUES (15, 12, 't', 'table', '{}', '[]', '2026-11-21 12:17:04.926758', '2026-11-21 12:17:04.926758');
INSERT INTO public.nodes VALUES (16, 12, 'z', 'container', '{"node_type": "group", "attributes": {}, "zarr_format": 3}', '[]', '2026-11-21 12:17:05.366468', '2026-11-21 12:17:05.366468');


--
-- Data for Name: nodes_closure; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: revisions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.revisions VALUES (1, 3, 1, '{"f": 0.1, "t": true, "v": [1, null, {"q": "é"}]}', '[]', '2026-11-21 12:16:46.231136', '2026-11-21 12:16:46.231136');
INSERT INTO public.revisions VALUES (3, 3, 3, '{"f": 0.1, "t": true, "v": 3}', '[{"name": "new", "version": null}]', '2026-11-21 12:16:46.317937', '2026-11-21 12:16:46.317937');


--
-- Data for Name: structures; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.structures VALUES ('9e975a61c12a8cf36c88e464ac37913c', '{"dims": null, "shape": [3, 4], "chunks": [[3], [4]], "data_type": {"kind": "f", "dt_units": null, "itemsize": 8, "endianness": "little"}, "resizable": false}');
INSERT INTO public.structures VALUES ('abdf207903787dbb44f7d3aae0cb2801', '{"dims": null, "shape": [3, 4], "chunks": [[3], [4]], "data_type": {"kind": "i", "dt_units": null, "itemsize": 8, "endianness": "little"}, "resizable": false}');
INSERT INTO public.structures VALUES ('80998fae337160cc88af52df574bb8c9', '{"columns": ["x", "y"], "resizable": false, "npartitions": 1, "arrow_schema": "data:application/vnd.apache.arrow.file;base64,//////gCAAAQAAAAAAAKAA4ABgAFAAgACgAAAAABBAAQAAAAAAAKAAwAAAAEAAgACgAAAFQCAAAEAAAAAQAAAAwAAAAIAAwABAAIAAgAAAAsAgAABAAAAB4CAAB7ImluZGV4X2NvbHVtbnMiOiBbeyJraW5kIjogInJhbmdlIiwgIm5hbWUiOiBudWxsLCAic3RhcnQiOiAwLCAic3RvcCI6IDIsICJzdGVwIjogMX1dLCAiY29sdW1uX2luZGV4ZXMiOiBbeyJuYW1lIjogbnVsbCwgImZpZWxkX25hbWUiOiBudWxsLCAicGFuZGFzX3R5cGUiOiAidW5pY29kZSIsICJudW1weV90eXBlIjogIm9iamVjdCIsICJtZXRhZGF0YSI6IHsiZW5jb2RpbmciOiAiVVRGLTgifX1dLCAiY29sdW1ucyI6IFt7Im5hbWUiOiAieCIsICJmaWVsZF9uYW1lIjogIngiLCAicGFuZGFzX3R5cGUiOiAiaW50NjQiLCAibnVtcHlfdHlwZSI6ICJpbnQ2NCIsICJtZXRhZGF0YSI6IG51bGx9LCB7Im5hbWUiOiAieSIsICJmaWVsZF9uYW1lIjogInkiLCAicGFuZGFzX3R5cGUiOiAidW5pY29kZSIsICJudW1weV90eXBlIjogIm9iamVjdCIsICJtZXRhZGF0YSI6IG51bGx9XSwgImF0dHJpYnV0ZXMiOiB7fSwgImNyZWF0b3IiOiB7ImxpYnJhcnkiOiAicHlhcnJvdyIsICJ2ZXJzaW9uIjogIjI2LjAuMSJ9LCAicGFuZGFzX3ZlcnNpb24iOiAiMi4zLjMifQAABgAAAHBhbmRhcwAAAgAAAEAAAAAEAAAA2P///wAAAQUQAAAAGAAAAAQAAAAAAAAAAQAAAHkAAAAEAAQABAAAABAAFAAIAAYABwAMAAAAEAAQAAAAAAABAhAAAAAcAAAABAAAAAAAAAABAAAAeAAAAAgADAAIAAcACAAAAAAAAAFAAAAA"}');
INSERT INTO public.structures VALUES ('bc2a25f4db16960c9ddf00144ba60a5d', '{"dims": null, "shape": [3, 4], "chunks": [[3], [4]], "layout": "COO", "data_type": {"kind": "f", "dt_units": null, "itemsize": 8, "endianness": "little"}, "resizable": false, "coord_data_type": {"kind": "i", "dt_units": null, "itemsize": 8, "endianness": "little"}}');
INSERT INTO public.structures VALUES ('643662f4100f8a7a08ba2836c0e91d07', '{"form": {"class": "ListOffsetArray", "content": {"class": "NumpyArray", "form_key": "node1", "primitive": "int64", "parameters": {}, "inner_shape": []}, "offsets": "i64", "form_key": "node0", "parameters": {}}, "length": 2}');
INSERT INTO public.structures VALUES ('b34732b266a5e1862f6885b536fba752', '{"columns": ["x", "y"], "resizable": false, "npartitions": 1, "arrow_schema": "data:application/vnd.apache.arrow.file;base64,/////6gAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAIAAABEAAAABAAAANT///8AAAEDEAAAABgAAAAEAAAAAAAAAAEAAAB5AAYACAAGAAYAAAAAAAIAEAAUAAgABgAHAAwAAAAQABAAAAAAAAECEAAAABwAAAAEAAAAAAAAAAEAAAB4AAAACAAMAAgABwAIAAAAAAAAAUAAAAA="}');
INSERT INTO public.structures VALUES ('9b40e366c93e1fb93a496c132ec867a7', '{"dims": null, "size": 3, "shape": [2, null], "chunks": [[2], null], "data_type": {"kind": "i", "dt_units": null, "itemsize": 8, "endianness": "little"}, "resizable": false}');
INSERT INTO public.structures VALUES ('112284e6e3a3a9c085e84bbd8e36b79b', '{"dims": null, "shape": [3], "chunks": [[3]], "data_type": {"kind": "i", "dt_units": null, "itemsize": 8, "endianness": "little"}, "resizable": false}');
INSERT INTO public.structures VALUES ('7280bd30ffd538d8bde6f91522a1dda2', '{"dims": null, "shape": [3, 4, 5], "chunks": [[1, 1, 1], [4], [5]], "data_type": {"kind": "u", "dt_units": null, "itemsize": 2, "endianness": "little"}, "resizable": false}');
INSERT INTO public.structures VALUES ('ce5c450f864003dff29dd23a051a5b2a', '{"keys": ["det"]}');
INSERT INTO public.structures VALUES ('7239816ef9c33e94b44b8927bbc961b0', '{"columns": ["x"], "resizable": false, "npartitions": 1, "arrow_schema": "data:application/vnd.apache.arrow.file;base64,/////2gCAAAQAAAAAAAKAA4ABgAFAAgACgAAAAABBAAQAAAAAAAKAAwAAAAEAAgACgAAAPABAAAEAAAAAQAAAAwAAAAIAAwABAAIAAgAAADIAQAABAAAALgBAAB7ImluZGV4X2NvbHVtbnMiOiBbeyJraW5kIjogInJhbmdlIiwgIm5hbWUiOiBudWxsLCAic3RhcnQiOiAwLCAic3RvcCI6IDAsICJzdGVwIjogMX1dLCAiY29sdW1uX2luZGV4ZXMiOiBbeyJuYW1lIjogbnVsbCwgImZpZWxkX25hbWUiOiBudWxsLCAicGFuZGFzX3R5cGUiOiAidW5pY29kZSIsICJudW1weV90eXBlIjogIm9iamVjdCIsICJtZXRhZGF0YSI6IHsiZW5jb2RpbmciOiAiVVRGLTgifX1dLCAiY29sdW1ucyI6IFt7Im5hbWUiOiAieCIsICJmaWVsZF9uYW1lIjogIngiLCAicGFuZGFzX3R5cGUiOiAiaW50NjQiLCAibnVtcHlfdHlwZSI6ICJpbnQ2NCIsICJtZXRhZGF0YSI6IG51bGx9XSwgImF0dHJpYnV0ZXMiOiB7fSwgImNyZWF0b3IiOiB7ImxpYnJhcnkiOiAicHlhcnJvdyIsICJ2ZXJzaW9uIjogIjI2LjAuMSJ9LCAicGFuZGFzX3ZlcnNpb24iOiAiMi4zLjMifQAAAAAGAAAAcGFuZGFzAAABAAAAFAAAABAAFAAIAAYABwAMAAAAEAAQAAAAAAABAhAAAAAcAAAABAAAAAAAAAABAAAAeAAAAAgADAAIAAcACAAAAAAAAAFAAAAA"}');
INSERT INTO public.structures VALUES ('f02d41d03309ba5a1a46109d3c4eea2e', '{"keys": ["a"]}');


--
-- Data for Name: webhook_deliveries; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Name: access_tags_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.access_tags_id_seq', 3, true);


--
-- Name: access_tags_principals_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.access_tags_principals_id_seq', 1, false);


--
-- Name: assets_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.assets_id_seq', 14, true);


--
-- Name: data_sources_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.data_sources_id_seq', 13, true);


--
-- Name: nodes_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.nodes_id_seq', 16, true);


--
-- Name: revisions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.revisions_id_seq', 3, true);


--
-- Name: webhook_deliveries_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.webhook_deliveries_id_seq', 1, false);


--
-- Name: webhooks_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.webhooks_id_seq', 1, false);
