package outbound

import (
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

func TestHTTPStaysOnThisMachine(t *testing.T) {
	for address, fine := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "192.0.2.1:80": false, "[2001:db8::1]:80": false} {
		if err := loopbackOnly("tcp", address, nil); (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The system's numbers are told, those of Windows Sockets too.
func TestWhyByNumber(t *testing.T) {
	for number, want := range map[syscall.Errno]string{
		syscall.ECONNREFUSED: "the connection was refused", 10061: "the connection was refused",
		syscall.ECONNRESET: "the connection was closed without an answer", 10054: "the connection was closed without an answer",
	} {
		err := &url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connectex", number)}}
		if got := Why(err).Error(); got != want {
			t.Errorf("%d: %q", number, got)
		}
	}
}
