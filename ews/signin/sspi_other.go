//go:build !windows

package signin

import "errors"

// OpenSSPI opens nothing: SSPI is a part of Windows.
func OpenSSPI(string, string, []byte) (SecurityContext, error) {
	return nil, errors.New("only Windows can sign in with the logged-on user (SSPI)")
}
