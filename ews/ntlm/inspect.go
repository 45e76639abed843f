package ntlm

import "encoding/binary"

// Kinds of messages ([MS-NLMP] 2.2.1).
const (
	TypeNegotiate    = 1 // names no account
	TypeChallenge    = 2
	TypeAuthenticate = 3 // the proof of the password
)

// Type is the kind of a message, 0 for what is none.
func Type(message []byte) int {
	if len(message) < 12 || !Is(message) {
		return 0
	}
	if t := binary.LittleEndian.Uint32(message[8:]); t >= TypeNegotiate && t <= TypeAuthenticate {
		return int(t)
	}
	return 0
}

// Proofs are the parts of a type 3 message, whoever made it, from which the
// password can be guessed offline: of an NTLMv2 response its first 16 bytes
// (what follows repeats the server's own names), of the 24 bytes of an LMv2, LM
// or NTLM response all, unless they are the zeros that mean "none" ([MS-NLMP]
// 2.2.2.3 to 2.2.2.8).
func Proofs(authenticate []byte) [][]byte {
	const proof, old = 16, 24
	var proofs [][]byte
	for _, at := range []int{12, 20} { // LmChallengeResponse, NtChallengeResponse
		if len(authenticate) < at+8 {
			break
		}
		response, err := field(authenticate, at, "response")
		if err != nil || len(response) < proof {
			continue
		}
		if len(response) > old {
			response = response[:proof]
		}
		for _, b := range response {
			if b != 0 {
				proofs = append(proofs, response)
				break
			}
		}
	}
	return proofs
}

// SentBinding is the value of MsvAvChannelBindings in a type 3 message, whoever
// made it: nil if its response is no NTLMv2 or has none ([MS-NLMP] 2.2.2.7).
func SentBinding(authenticate []byte) []byte {
	const proof, fixed = 16, 28 // before the AV pairs
	if len(authenticate) < 28 {
		return nil
	}
	response, err := field(authenticate, 20, "NT response")
	if err != nil || len(response) < proof+fixed {
		return nil
	}
	var c Challenge
	if err := c.readPairs(response[proof+fixed:]); err != nil {
		return nil
	}
	for _, p := range c.pairs {
		if p.id == avChannelBindings {
			return p.value
		}
	}
	return nil
}
