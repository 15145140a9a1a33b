package redis

import "strings"

const slots = 16384

// crcTable is of CRC-16/XMODEM, by which Redis Cluster divides keys and sharded channels.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}()

// slotOf returns the slot of a channel: that of what is between the first braces, if there
// is something.
func slotOf(channel string) uint16 {
	if open := strings.IndexByte(channel, '{'); open >= 0 {
		if n := strings.IndexByte(channel[open+1:], '}'); n > 0 {
			channel = channel[open+1 : open+1+n]
		}
	}
	var crc uint16
	for i := range len(channel) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^channel[i]]
	}
	return crc % slots
}
