"""The journal: what a namespace has received and responded, bounded, in WireMock's shape and without secrets."""
