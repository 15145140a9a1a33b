// Package agreement has the tests by which the rules that a server enforces and those
// that the schemas of its contract promise are the same: what siovalidate accepts, the
// schema of the type accepts, and where all rules can be expressed, nothing else.
package agreement
