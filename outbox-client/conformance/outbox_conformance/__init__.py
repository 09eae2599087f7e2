"""What the tests of every client share, and the relay's end-to-end tests may use.

`reference` builds the outbox's bytes from FORMAT.md alone and `scanner` reads them: neither shares code with a client.
`checker` compares a history with what was acknowledged. `writers` and `chronicle` start the programs. `powercut` cuts
the power of a file system.
"""
