module github.com/siokit/sio/contract

go 1.26.0

replace github.com/siokit/sio => ../
