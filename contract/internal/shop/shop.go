// Package shop has types of another package, for tests.
package shop

import "time"

// An Item is what can be bought.
type Item struct {
	// SKU is unique.
	SKU   string
	Price Price `json:"price"`
	Base
}

// A Price is in cents.
type Price int64

// Base is embedded.
type Base struct {
	Created time.Time `json:"created"` // once
}

// A User buys.
type User struct {
	Name string `json:"name"`
}
