"""The chain as tables: an index that follows one market and answers what pages ask, from a database alone.

One process writes (`market.index.indexer`), any number read (`market.index.queries.Reader`). Everything in it
can be dropped and rebuilt from the chain's logs, except what owners measured themselves.
"""
