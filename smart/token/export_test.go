package token

import "crypto"

// Private is the key that signs by an algorithm.
func Private(k *Keys, algorithm string) crypto.Signer { return k.ring.Load().newest[algorithm].private }
