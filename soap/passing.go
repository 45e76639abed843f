package soap

// passing are the codes of troubles that often pass by themselves: a directory
// server that is away, a database that fails over, a worker that restarts.
var passing = map[string]bool{
	"ErrorADOperation": true, "ErrorADUnavailable": true, "ErrorConnectionFailed": true, "ErrorInsufficientResources": true,
	"ErrorInternalServerError": true, "ErrorInternalServerTransientError": true, "ErrorMailboxFailover": true,
	"ErrorMailboxMoveInProgress": true, "ErrorMailboxMoved": true, "ErrorMailboxStoreUnavailable": true, "ErrorTimeoutExpired": true,
}

// Crowded says whether a code means too many at once: fewer may ask.
func Crowded(code string) bool {
	return code == "ErrorExceededConnectionCount" || code == "ErrorTooManyObjectsOpened"
}

// Busy says whether a code asks for patience.
func Busy(code string) bool { return code == "ErrorServerBusy" || Crowded(code) }

// Passing says whether a call that got this code is worth one more try. Codes
// that ask for patience (ErrorServerBusy) are not meant: they say how long.
func Passing(code string) bool { return passing[code] }
