#!/usr/bin/env bash
# pki.sh FOLDER: an authority and the certificates of the endpoints. NAME.pem
# holds certificate and key, for HAProxy; NAME.key the key alone, for the rest.
set -euo pipefail
mkdir -p "$1"
cd "$1"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }

# Keys of RSA for those that clients with old TLS must be able to use.
rsa() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" 2>/dev/null; }

# sign NAME SUBJECT-ALT-NAMES DAYS DIGEST: one certificate of the authority
sign() {
	[ -e "$1.key" ] || key "$1"
	openssl req -new -key "$1.key" -subj "/CN=${2%%,*}" -out "$1.csr"
	printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$2" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$1.ext" -days "$3" "-${4:-sha256}" -out "$1.crt" 2>/dev/null
	cat "$1.crt" "$1.key" >"$1.pem"
	rm "$1.csr" "$1.ext"
}

key ca
openssl req -x509 -new -key ca.key -subj "/O=ewsprobe laboratory/CN=Contoso Lab CA" -days 400 -addext keyUsage=keyCertSign,cRLSign -out ca.pem
sign dc DNS:dc1.contoso.lab,IP:127.0.0.10 300
sign good DNS:mail.contoso.lab,DNS:autodiscover.contoso.lab 300
sign node DNS:mail.contoso.lab,DNS:ex01.contoso.lab 300 # what a node behind a re-encrypting proxy shows
sign sha384 DNS:mail.contoso.lab 300 sha384
sign wrong-name DNS:www.fabrikam.example 300
rsa tls10
sign tls10 DNS:mail.contoso.lab 300

# Expired: the openssl of Debian 12 cannot backdate with x509, but with ca.
key expired
openssl req -new -key expired.key -subj /CN=mail.contoso.lab -addext subjectAltName=DNS:mail.contoso.lab -out expired.csr
: >index.txt
printf '[ca]\ndefault_ca=lab\n[lab]\ndatabase=index.txt\nserial=ca.srl\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy\n[any]\ncommonName=supplied\n' >ca.conf
openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in expired.csr -startdate 20240101000000Z -enddate 20240201000000Z -notext -out expired.crt 2>/dev/null
cat expired.crt expired.key >expired.pem

key self-signed
openssl req -x509 -new -key self-signed.key -subj /CN=mail.contoso.lab -addext subjectAltName=DNS:mail.contoso.lab -days 300 -out self-signed.crt
cat self-signed.crt self-signed.key >self-signed.pem
