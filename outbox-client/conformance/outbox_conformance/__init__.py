"""What the tests of every client share, and the relay's end-to-end tests may use.

`records`, `cyclefile` and `outbox` build bytes from FORMAT.md alone, `scanner` reads them; they
share no code with a client. `states` and `goldenfiles` are the golden files. `chronicle` and
`writers` run the programs, `checker` compares what is found with what was acknowledged, and
`mounts` makes file systems to fill and to cut the power of.
"""
