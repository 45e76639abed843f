package soap

import "errors"

// The limits on a body. They are far above what a FindFolder answer with one
// folder or an Autodiscover answer needs, and low enough that ten bodies read
// at once stay small in memory.
const (
	// MaxBytes is the largest body read, in bytes as received.
	MaxBytes = 1 << 20
	// MaxDepth is the deepest nesting of elements; the root is at depth 1.
	MaxDepth = 64
	// MaxTokens bounds the tags, attributes, texts and comments together.
	MaxTokens = 20_000
)

// The limits on what is kept of a body, so that an answer may go into a record
// without further cutting.
const (
	// MaxText bounds a message or a value, in bytes.
	MaxText = 500
	// MaxURL bounds a URL or an address, in bytes; a longer one is dropped,
	// because half a URL is worse than none.
	MaxURL = 2048
	// MaxValues bounds the number of values kept from a MessageXml.
	MaxValues = 16
	// MaxResolved bounds the number of entries kept of a ResolveNames answer.
	MaxResolved = 10
	// MaxAddresses bounds the number of addresses kept of such an entry.
	MaxAddresses = 50
	// maxName bounds a code, an element or a value name, in bytes.
	maxName = 100
)

// The reasons why a body gives no answer, for errors.Is. The error that is
// returned wraps one of them and adds what was found.
var (
	// ErrNotXML: no well-formed XML document in a character set that is read
	// here (UTF-8, UTF-16, ASCII, Latin-1).
	ErrNotXML = errors.New("not well-formed XML")
	// ErrDoctype: a document type declaration or a processing instruction.
	// SOAP 1.1 section 3 allows neither, and the first is how XML bombs begin.
	ErrDoctype = errors.New("DOCTYPE or processing instruction refused")
	// ErrTooLarge: more than MaxBytes or MaxTokens.
	ErrTooLarge = errors.New("body too large")
	// ErrTooDeep: elements nested deeper than MaxDepth.
	ErrTooDeep = errors.New("elements nested too deep")
	// ErrNotSOAP: well-formed XML, but no SOAP envelope, or one without an EWS
	// answer in it.
	ErrNotSOAP = errors.New("not an EWS answer")
	// ErrNotDiscovery: readable, but no Autodiscover answer.
	ErrNotDiscovery = errors.New("not an Autodiscover answer")
)
