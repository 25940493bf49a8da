package sqlite

import (
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// The driver has modules of its own, which look their cursor up under a lock for each cell, and copy each text twice. This is the module
// of the feed at the level below, that of SQLite's C interface as translated to Go. What SQLite holds on to lies in memory of SQLite's
// allocator, never in Go's, so that the checks of pointers under the race detector hold; it points back to Go values that the map of
// feeds keeps alive.

// nativeTable and nativeScan are what SQLite knows of a feed and of a scan: its own part, then ours.
type (
	nativeTable struct {
		_    sqlite3.Tsqlite3_vtab
		feed uintptr
	}
	nativeScan struct {
		_    sqlite3.Tsqlite3_vtab_cursor
		scan uintptr
	}
)

func init() {
	tls := libc.NewTLS()
	defer tls.Close()
	// Every connection that is opened from now on gets the module.
	if rc := sqlite3.Xsqlite3_auto_extension(tls, function(registerFeeds)); rc != sqlite3.SQLITE_OK {
		panic("sqlite: the module for loads cannot be registered")
	}
}

// function gives a function the form in which translated C code calls it. It must not capture anything.
func function[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f})) }

// to gives the value that an address stands for.
func to[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// address is the way back.
func address[T any](value *T) uintptr { return uintptr(unsafe.Pointer(value)) }

// nativeModule is SQLite's description of the module, made once in memory that is never freed.
var nativeModule uintptr

func registerFeeds(tls *libc.TLS, db, _, _ uintptr) int32 {
	feeds.mu.Lock()
	defer feeds.mu.Unlock()
	if nativeModule == 0 {
		p := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite3.Tsqlite3_module{})))
		if p == 0 {
			return sqlite3.SQLITE_NOMEM
		}
		m := to[sqlite3.Tsqlite3_module](p)
		m.FxCreate = function(func(tls *libc.TLS, db, _ uintptr, argc int32, argv, table, _ uintptr) int32 {
			return feedCreate(tls, creation{db, argc, argv, table})
		})
		m.FxConnect = m.FxCreate
		m.FxBestIndex = function(feedBestIndex)
		m.FxDisconnect, m.FxDestroy = function(feedDestroy), function(feedDestroy)
		m.FxOpen, m.FxClose = function(feedOpen), function(feedClose)
		m.FxFilter = function(func(_ *libc.TLS, cursor uintptr, _ int32, _ uintptr, _ int32, _ uintptr) int32 {
			return feedFilter(cursor)
		})
		m.FxNext, m.FxEof = function(feedNext), function(feedEOF)
		m.FxColumn, m.FxRowid = function(feedCell), function(feedRowid)
		nativeModule = p
	}
	name, err := libc.CString(feedModule)
	if err != nil {
		return sqlite3.SQLITE_NOMEM
	}
	defer libc.Xfree(tls, name)
	return sqlite3.Xsqlite3_create_module_v2(tls, db, name, nativeModule, 0, 0)
}

// allocate gives zeroed memory of SQLite's, 0 when there is none.
func allocate[T any](tls *libc.TLS) uintptr {
	var zero T
	p := sqlite3.Xsqlite3_malloc64(tls, uint64(unsafe.Sizeof(zero)))
	if p != 0 {
		*to[T](p) = zero
	}
	return p
}

// creation is what SQLite gives to make a table: the connection, the arguments of CREATE VIRTUAL TABLE, and where to put the table.
type creation struct {
	db    uintptr
	argc  int32
	argv  uintptr
	table uintptr
}

// feedCreate makes the table of the feed whose number is the last argument.
func feedCreate(tls *libc.TLS, c creation) int32 {
	f := feeds.find(libc.GoString(*to[uintptr](c.argv + uintptr(c.argc-1)*unsafe.Sizeof(c.argv))))
	if f == nil {
		return sqlite3.SQLITE_ERROR
	}
	text, err := libc.CString(f.declaration())
	if err != nil {
		return sqlite3.SQLITE_NOMEM
	}
	defer libc.Xfree(tls, text)
	if rc := sqlite3.Xsqlite3_declare_vtab(tls, c.db, text); rc != sqlite3.SQLITE_OK {
		return rc
	}
	p := allocate[nativeTable](tls)
	if p == 0 {
		return sqlite3.SQLITE_NOMEM
	}
	to[nativeTable](p).feed = address(f)
	*to[uintptr](c.table) = p
	return sqlite3.SQLITE_OK
}

// feedBestIndex takes the only way there is: all rows in order.
func feedBestIndex(*libc.TLS, uintptr, uintptr) int32 { return sqlite3.SQLITE_OK }

func feedDestroy(tls *libc.TLS, table uintptr) int32 {
	sqlite3.Xsqlite3_free(tls, table)
	return sqlite3.SQLITE_OK
}

func feedOpen(tls *libc.TLS, table, cursor uintptr) int32 {
	p := allocate[nativeScan](tls)
	if p == 0 {
		return sqlite3.SQLITE_NOMEM
	}
	s := &scan{feed: to[feed](to[nativeTable](table).feed)}
	if !s.text.grow(tls, arenaBytes) {
		sqlite3.Xsqlite3_free(tls, p)
		return sqlite3.SQLITE_NOMEM
	}
	s.scans[s] = true
	to[nativeScan](p).scan = address(s)
	*to[uintptr](cursor) = p
	return sqlite3.SQLITE_OK
}

// scanOf gives the scan of a cursor.
func scanOf(cursor uintptr) *scan { return to[scan](to[nativeScan](cursor).scan) }

func feedClose(tls *libc.TLS, cursor uintptr) int32 {
	s := scanOf(cursor)
	s.text.free(tls)
	delete(s.scans, s)
	sqlite3.Xsqlite3_free(tls, cursor)
	return sqlite3.SQLITE_OK
}

func feedFilter(cursor uintptr) int32 {
	scanOf(cursor).begin()
	return sqlite3.SQLITE_OK
}

func feedNext(tls *libc.TLS, cursor uintptr) int32 {
	scanOf(cursor).next(tls)
	return sqlite3.SQLITE_OK
}

func feedEOF(_ *libc.TLS, cursor uintptr) int32 {
	if s := scanOf(cursor); s.at < s.hi {
		return 0
	}
	return 1
}

func feedCell(tls *libc.TLS, cursor, result uintptr, i int32) int32 {
	scanOf(cursor).column(tls, result, int(i))
	return sqlite3.SQLITE_OK
}

func feedRowid(_ *libc.TLS, cursor, rowid uintptr) int32 {
	*to[int64](rowid) = int64(scanOf(cursor).at)
	return sqlite3.SQLITE_OK
}

// arenaBytes is how large an arena is at first.
const arenaBytes = 16 << 10

// arena holds the texts of one row in memory of SQLite's allocator.
type arena struct {
	at   uintptr
	size int
	used int
	old  []uintptr // smaller ones that texts of the row lie in
}

// grow takes a larger place for what comes; texts that were put stay where they are.
func (a *arena) grow(tls *libc.TLS, size int) bool {
	p := sqlite3.Xsqlite3_malloc64(tls, uint64(size))
	if p == 0 {
		return false
	}
	if a.at != 0 {
		a.old = append(a.old, a.at)
	}
	a.at, a.size, a.used = p, size, 0
	return true
}

// put writes the text of a cell and answers where it is and how long. Without memory it panics, as Go does.
func (a *arena) put(tls *libc.TLS, c *cell, row int) (uintptr, int32) {
	room := unsafe.Slice(to[byte](a.at), a.size)[a.used:a.used:a.size]
	text := c.text(room, row)
	if len(text) > cap(room) { // append has gone elsewhere
		if !a.grow(tls, max(2*a.size, 2*len(text))) {
			panic("sqlite: out of memory")
		}
		copy(unsafe.Slice(to[byte](a.at), a.size), text)
	}
	p := a.at + uintptr(a.used)
	a.used += len(text)
	return p, int32(len(text))
}

// clear forgets the texts.
func (a *arena) clear(tls *libc.TLS) {
	a.used = 0
	for _, p := range a.old {
		sqlite3.Xsqlite3_free(tls, p)
	}
	a.old = a.old[:0]
}

func (a *arena) free(tls *libc.TLS) {
	a.clear(tls)
	sqlite3.Xsqlite3_free(tls, a.at)
	a.at, a.size = 0, 0
}
