#!/usr/bin/python3
"""The accounts of the laboratory's domain.

accounts.py create        all of them, before Samba runs
accounts.py lock NAME     by three wrong passwords over LDAPS
accounts.py get NAME      prints badPwdCount
accounts.py unlock NAME   lockoutTime and badPwdCount to 0
accounts.py tickets       credential caches of svc-crm, while Samba runs
accounts.py point         the service connection point that Exchange's setup would make
accounts.py serve         get and unlock by lines on standard input
"""
import os
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

STATE = os.environ.get("STATE", "/run/ewsprobe-lab")
PASSWORD = "Passw0rd!good"
UNICODE = "Pässwörd!1€"

# name: what is changed after the account was made with its password
ACCOUNTS = {
    "svc-crm": {},
    "svc-victim": {},  # for wrong passwords
    "svc-locked": {},  # locked by lock, after the start
    "svc-disabled": {"userAccountControl": "514"},
    "svc-expired": {"accountExpires": "132000000000000000"},  # 2019
    "svc-must-change": {"pwdLastSet": "0"},
    "svc-password-expired": {},  # see expire_password
    "svc-hours": {"logonHours": b"\0" * 21},
    "svc-workstation": {"userWorkstations": "OTHERPC"},
    "svc-protected": {},
    "svc-smartcard": {"userAccountControl": str(512 | 0x40000)},
    "svc-upn": {"userPrincipalName": "first.last@fabrikam.example"},
    "svc-unicode": {},
    "svc-http": {"servicePrincipalName": "HTTP/mail.contoso.lab"},
}


def database():
    lp = LoadParm()
    lp.load(STATE + "/ad/etc/smb.conf")
    return SamDB(url=STATE + "/ad/private/sam.ldb", session_info=system_session(), lp=lp), lp


def find(sam, name, *attributes):
    return sam.search(sam.domain_dn(), expression=f"(sAMAccountName={name})", attrs=list(attributes))[0]


def change(sam, dn, values):
    m = ldb.Message(dn)
    for key, value in values.items():
        m[key] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, key)
    sam.modify(m)


def create():
    sam, lp = database()
    change(sam, ldb.Dn(sam, sam.domain_dn()), {
        "lockoutThreshold": "3",
        "lockoutDuration": str(-86400 * 10**7),
        "lockOutObservationWindow": str(-600 * 10**7),
        "maxPwdAge": str(-365 * 86400 * 10**7),
        "minPwdAge": "0",
        "pwdHistoryLength": "0",
        "pwdProperties": "0",
    })
    for name, values in ACCOUNTS.items():
        sam.newuser(name, UNICODE if name == "svc-unicode" else PASSWORD)
        change(sam, find(sam, name).dn, {"userPrincipalName": name + "@contoso.lab"})
        if values:
            change(sam, find(sam, name).dn, values)
    sam.add_remove_group_members("Protected Users", ["svc-protected"], add_members_operation=True)
    expire_password(sam, lp, "svc-password-expired")
    keytab(lp, "http", "HTTP/mail.contoso.lab")
    keytab(lp, "svc-crm", "svc-crm@CONTOSO.LAB")
    point()


def point():
    """A service connection point of Autodiscover, as Exchange's setup makes one."""
    sam, _ = database()
    sam.add({
        "dn": "CN=EX01,CN=Services," + str(sam.get_config_basedn()),
        "objectClass": "serviceConnectionPoint",
        "serviceBindingInformation": "https://mail.contoso.lab:8446/autodiscover/autodiscover.xml",
        "serviceClassName": "ms-Exchange-AutoDiscover-Service",
        "keywords": ["77378F46-2C66-4aa9-A6A6-3E7A48B19596", "Site=Default-First-Site-Name"],
    })


def expire_password(sam, lp, name):
    """Samba lets nobody back-date pwdLastSet: written beneath its modules."""
    dn = find(sam, name).dn
    raw = ldb.Ldb(f"{STATE}/ad/private/sam.ldb.d/{str(sam.domain_dn()).upper()}.ldb")
    change(raw, dn, {"pwdLastSet": "133500000000000000"})  # January 2024


def keytab(lp, file, principal):
    """The keys of a principal: of the endpoints' name, of the good account."""
    import samba.dckeytab  # noqa: F401  adds export_keytab to Net
    from samba.net import Net
    Net(None, lp).export_keytab(keytab=f"{STATE}/{file}.keytab", principal=principal)


def tickets():
    """Credential caches of svc-crm: a ticket that lives, and one that is over."""
    import struct
    import time

    import gssapi
    name = gssapi.Name("svc-crm@CONTOSO.LAB", gssapi.NameType.user)
    got = gssapi.raw.acquire_cred_with_password(name, PASSWORD.encode(), mechs=[gssapi.MechType.kerberos], usage="initiate")
    file = f"{STATE}/svc-crm.ccache"
    gssapi.raw.store_cred_into({b"ccache": f"FILE:{file}".encode()}, got.creds, usage="initiate", overwrite=True)
    # No KDC gives a ticket that is over: its end is set back in a copy.
    with open(file, "rb") as f:
        cache = f.read()
    ends = int(time.time()) + gssapi.raw.inquire_cred(got.creds).lifetime
    for end in range(ends - 3, ends + 4):
        cache = cache.replace(struct.pack(">I", end), struct.pack(">I", int(time.time()) - 3600))
    with open(f"{STATE}/svc-crm-expired.ccache", "wb") as f:
        f.write(cache)


def lock(name):
    import ssl

    import ldap3
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=STATE + "/pki/ca.pem")
    server = ldap3.Server("127.0.0.10", port=636, use_ssl=True, tls=tls, get_info=ldap3.NONE)
    answers = []
    for i in range(4):
        c = ldap3.Connection(server, user=name + "@contoso.lab", password=f"wrong {i}")
        c.bind()
        answers.append(c.result["message"])
        c.unbind()
    if "data 775" not in answers[-1]:
        sys.exit("not locked: " + answers[-1])


def get(sam, name):
    return str(find(sam, name, "badPwdCount").get("badPwdCount", ["0"])[0])


def unlock(sam, name):
    change(sam, find(sam, name).dn, {"lockoutTime": "0", "badPwdCount": "0"})
    return "0"


def serve():
    sam, _ = database()
    for line in sys.stdin:
        command, name = line.split()
        print({"get": get, "unlock": unlock}[command](sam, name), flush=True)


if __name__ == "__main__":
    command, *names = sys.argv[1:]
    if command in ("get", "unlock"):
        print({"get": get, "unlock": unlock}[command](database()[0], names[0]))
    else:
        {"create": create, "lock": lock, "serve": serve, "tickets": tickets, "point": point}[command](*names)
