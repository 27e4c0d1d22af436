"""The storm and the benches: they drive a whole running Salestio from outside and count what came of it."""
