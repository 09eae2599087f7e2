"""What the tests of every client share, and the relay's end-to-end tests may use.

`records`, `cyclefile` and `outbox` build bytes from FORMAT.md alone, `scanner` reads them, and
`reference` is a writer; they share no code with a client. `states` and `goldenfiles` are the golden
files, `scene` and `cases` what happens beside an open session, `mutants` the reference client with
one guess turned around, `trying` how it is run on a golden state. `chronicle` and
`writers` run the programs, `checker` compares what is found with what was acknowledged, and
`mounts` makes file systems to fill and to cut the power of.
"""
