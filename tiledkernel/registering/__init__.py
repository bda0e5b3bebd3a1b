"""Files that a server can reach become nodes of its catalog: found, opened and described here, and stored there."""
