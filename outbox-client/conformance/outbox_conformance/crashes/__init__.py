"""Every state that a crash may leave of an outbox: recorded, enumerated, recovered from, judged.

In the order of reading: `oplog` (what writers did), `recording` (how that is known to be all),
`author` and `histories` (what they are told to do), `survival` and `states` (what of it a cut or a
kill may leave), `recovery` (who goes on), `judge` (what must hold), `campaign` (all of it
together), `planted` (what it must find). `groups` has the histories of writers that serve each
other, `kernel` what these are told of errors, `planted_groups` what must be found there.
"""
