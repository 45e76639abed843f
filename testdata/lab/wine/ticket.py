"""Gets a Kerberos ticket with the password on standard input: ticket.py PRINCIPAL CCACHE.

What kinit does, which the laboratory does not install."""
import sys

import gssapi

principal, cache = sys.argv[1:]
krb5 = gssapi.MechType.kerberos
name = gssapi.Name(principal, gssapi.NameType.user)
password = sys.stdin.readline().rstrip("\n").encode()
got = gssapi.raw.acquire_cred_with_password(name, password, mechs=[krb5], usage="initiate")
gssapi.raw.store_cred_into({b"ccache": cache.encode()}, got.creds, usage="initiate", mech=krb5, overwrite=True, set_default=True)
