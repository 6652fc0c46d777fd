"""The only door to the system: programs, files, kernel values, figures, identity, provenance of files.

`door` says what the door offers, `plan` what a provider may decide to do and `acting` how that is done.
`local` is the real host. It runs programs by `process` (with `pipes`, `output` and `strays`; `program` is what
is known of them), and is otherwise made of `files`, `kernel`, `figures`, `space`, `identity`, `family`,
`accounts` and `managed`. Nothing else starts programs or writes files on behalf of an operation.
"""
