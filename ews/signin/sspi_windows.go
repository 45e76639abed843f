package signin

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/alexbrainman/sspi"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// The packages negotiate and ntlm below sspi are not used: they can give no
// channel binding to Windows, without which it announces sixteen zero bytes
// that Extended Protection may refuse, and ntlm ends the program at its start
// where Windows has no NTLM.

// sspiContext is a client's security context of Windows
// (InitializeSecurityContext).
type sspiContext struct {
	credentials *sspi.Credentials
	context     *sspi.Context
	target      *uint16
	bindings    []byte // SEC_CHANNEL_BINDINGS
	room        int
}

// OpenSSPI opens a security context of the user who runs the program.
func OpenSSPI(scheme, spn string, endPoint []byte) (SecurityContext, error) {
	target, err := syscall.UTF16PtrFromString(spn)
	if err != nil {
		return nil, err
	}
	about, err := sspi.QueryPackageInfo(scheme)
	if err != nil {
		return nil, sspiError("Windows has no security package "+scheme, err)
	}
	credentials, err := sspi.AcquireCredentials("", scheme, sspi.SECPKG_CRED_OUTBOUND, nil)
	if err != nil {
		return nil, sspiError("Windows gives no credentials of the logged-on user", err)
	}
	c := &sspiContext{credentials: credentials, target: target, room: int(about.MaxToken)}
	c.context = sspi.NewClientContext(credentials, sspi.ISC_REQ_CONNECTION)
	if endPoint != nil {
		c.bindings = channelBindings(endPoint)
	}
	return c, nil
}

// channelBindings is a SEC_CHANNEL_BINDINGS (sspi.h): type, length and offset
// of the initiator and the acceptor, which are absent over TLS, then length and
// offset of the application data.
func channelBindings(endPoint []byte) []byte {
	const header = 8 * 4
	b := make([]byte, 6*4, header+len(endPoint))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(endPoint)))
	b = binary.LittleEndian.AppendUint32(b, header)
	return append(b, endPoint...)
}

// Next implements SecurityContext. The input is the server's token, if there is
// one, and the channel binding each time: Kerberos wants it in the first
// message, NTLM in the last.
func (c *sspiContext) Next(server []byte) ([]byte, bool, error) {
	var in []sspi.SecBuffer
	for _, b := range []struct {
		kind uint32
		data []byte
	}{{sspi.SECBUFFER_TOKEN, server}, {sspi.SECBUFFER_CHANNEL_BINDINGS, c.bindings}} {
		if len(b.data) > 0 {
			var buffer sspi.SecBuffer
			buffer.Set(b.kind, b.data)
			in = append(in, buffer)
		}
	}
	var input *sspi.SecBufferDesc
	if in != nil {
		input = sspi.NewSecBufferDesc(in)
	}
	out := make([]sspi.SecBuffer, 1)
	token := make([]byte, c.room)
	out[0].Set(sspi.SECBUFFER_TOKEN, token)
	output := sspi.NewSecBufferDesc(out)

	status := c.context.Update(c.target, output, input)
	done := status == sspi.SEC_E_OK || status == sspi.SEC_I_COMPLETE_NEEDED
	switch status {
	case sspi.SEC_E_OK, sspi.SEC_I_CONTINUE_NEEDED:
	case sspi.SEC_I_COMPLETE_NEEDED, sspi.SEC_I_COMPLETE_AND_CONTINUE:
		if status = sspi.CompleteAuthToken(c.context.Handle, output); status != sspi.SEC_E_OK {
			return nil, false, sspiError("Windows cannot complete its token", status)
		}
	default:
		return nil, false, sspiError("Windows goes no further with the sign-in", status)
	}
	return token[:min(int(out[0].BufferSize), len(token))], done, nil
}

// Close implements SecurityContext.
func (c *sspiContext) Close() {
	if c.context.Handle != nil {
		_ = c.context.Release()
	}
	_ = c.credentials.Release()
}

// statuses.txt has those that an administrator can do something about
// (winerror.h), by the name under which they are found.
//
//go:embed statuses.txt
var statusesText string

// sspiError names a status, or gives Windows' own words, and its number.
func sspiError(what string, err error) error {
	status, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	if words, known := evidence.Table[string](statusesText)[fmt.Sprintf("%08X", uint32(status))]; known {
		return fmt.Errorf("%s: %s (0x%08X)", what, words, uint32(status))
	}
	return fmt.Errorf("%s: %w (0x%08X)", what, status, uint32(status))
}
