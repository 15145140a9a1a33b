package wire

// LeaseLen is how many bytes a record of a session begins with that are the same in all
// records of one owner, and in no others.
const LeaseLen = 32
