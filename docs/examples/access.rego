package tiled

import rego.v1

roles := {
	"reader": {"read:metadata", "read:data"},
	"writer": {"read:metadata", "read:data", "write:metadata", "write:data", "create:node"},
}

# tag -> user -> role; "*" is everybody, also without an account
grants := {
	"physics": {"alice": "writer", "bob": "reader"},
	"open": {"*": "reader", "alice": "writer"},
}

given(tag) := {scope |
	some user in {"*", input.user}
	some scope in roles[grants[tag][user]]
}

scopes contains scope if {
	some tag in input.access_tags
	some scope in given(tag)
}

allowed_tags contains tag if {
	some tag, _ in grants
	input.scope in given(tag)
}

default create_node := false

create_node if {
	count(input.access_tags) > 0
	every tag in input.access_tags {
		"write:data" in given(tag)
	}
}
