package client

// PublicAddress is public.
var PublicAddress = public
