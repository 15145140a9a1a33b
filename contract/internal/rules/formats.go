package rules

// A format is what a rule says of a string.
type format struct {
	pattern  string // all that are valid match it
	lax      bool   // and others, too
	format   string // of JSON Schema, where it is for people and editors
	notEmpty bool   // all that is known
	empty    bool   // "" is valid
}

func hex(digits string) format { return format{pattern: "^[0-9a-f]{" + digits + "}$"} }

// formats are the rules for strings that need no parameter. The patterns are those of
// the validator, where these mean the same in JavaScript. Where versions of it since
// 10.30 differ, they allow what one of them does.
var formats = map[string]format{
	"alpha":         {pattern: "^[a-zA-Z]+$"},
	"alphaspace":    {pattern: "^[a-zA-Z ]+$"},
	"alphanum":      {pattern: "^[a-zA-Z0-9]+$"},
	"alphanumspace": {pattern: "^[a-zA-Z0-9 ]+$"},
	"ascii":         {pattern: "^[\\x00-\\x7F]*$", empty: true},
	"printascii":    {pattern: "^[\\x20-\\x7E]*$", empty: true},
	"numeric":       {pattern: "^[-+]?[0-9]+(?:\\.[0-9]+)?$"},
	"number":        {pattern: "^[0-9]+$"},
	"hexadecimal":   {pattern: "^(0[xX])?[0-9a-fA-F]+$"},
	"hexcolor":      {pattern: "^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"},
	"e164":          {pattern: "^\\+?[1-9]\\d{7,14}$"},
	"base32":        {pattern: "^(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=|[A-Z2-7]{8})$"},
	"base64":        {pattern: "^(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=|[A-Za-z0-9+\\/]{4})$"},
	"base64url":     {pattern: "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=|[A-Za-z0-9_-]{4})$"},
	"base64rawurl":  {pattern: "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,4})$"},
	"jwt":           {pattern: "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*$"},
	"semver":        {pattern: "^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-((?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$"},
	"mongodb":       {pattern: "^[a-f\\d]{24}$"},
	"ein":           {pattern: "^\\d{2}-\\d{7}$"},

	"uuid":          {pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$", format: "uuid"},
	"uuid3":         {pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-3[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$", format: "uuid"},
	"uuid4":         {pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", format: "uuid"},
	"uuid5":         {pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", format: "uuid"},
	"uuid7":         {pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", format: "uuid"},
	"uuid_rfc4122":  {pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$", format: "uuid"},
	"uuid3_rfc4122": {pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-3[0-9a-fA-F]{3}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$", format: "uuid"},
	"uuid4_rfc4122": {pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$", format: "uuid"},
	"uuid5_rfc4122": {pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-5[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$", format: "uuid"},
	"ulid":          {pattern: "^[A-HJKMNP-TV-Za-hjkmnp-tv-z0-9ſK]{26}$", lax: true}, // the last two are S and K of another case
	"md4":           hex("32"),
	"md5":           hex("32"),
	"sha256":        hex("64"),
	"sha384":        hex("96"),
	"sha512":        hex("128"),
	"ripemd128":     hex("32"),
	"ripemd160":     hex("40"),
	"tiger128":      hex("32"),
	"tiger160":      hex("40"),
	"tiger192":      hex("48"),

	// The formats of JSON Schema are not quite the validator's: these are no assertions.
	"email":            {format: "email"},
	"url":              {format: "uri"},
	"uri":              {format: "uri"},
	"http_url":         {format: "uri"},
	"https_url":        {format: "uri"},
	"ipv4":             {format: "ipv4"},
	"ipv6":             {format: "ipv6"},
	"hostname":         {format: "hostname"},
	"hostname_rfc1123": {format: "hostname"},
	"fqdn":             {format: "hostname"},

	"ip":                 {notEmpty: true},
	"cidr":               {notEmpty: true},
	"cidrv4":             {notEmpty: true},
	"cidrv6":             {notEmpty: true},
	"mac":                {notEmpty: true},
	"isbn":               {notEmpty: true},
	"isbn10":             {notEmpty: true},
	"isbn13":             {notEmpty: true},
	"issn":               {notEmpty: true},
	"json":               {notEmpty: true},
	"lowercase":          {notEmpty: true},
	"uppercase":          {notEmpty: true},
	"latitude":           {notEmpty: true},
	"longitude":          {notEmpty: true},
	"credit_card":        {notEmpty: true},
	"timezone":           {notEmpty: true},
	"boolean":            {notEmpty: true},
	"alphaunicode":       {notEmpty: true},
	"alphanumunicode":    {notEmpty: true},
	"datauri":            {notEmpty: true},
	"hostname_port":      {notEmpty: true},
	"rgb":                {notEmpty: true},
	"rgba":               {notEmpty: true},
	"hsl":                {notEmpty: true},
	"hsla":               {notEmpty: true},
	"cmyk":               {notEmpty: true},
	"duration":           {notEmpty: true},
	"iscolor":            {notEmpty: true},
	"country_code":       {notEmpty: true},
	"iso3166_1_alpha2":   {notEmpty: true},
	"iso3166_1_alpha3":   {notEmpty: true},
	"iso4217":            {notEmpty: true},
	"bcp47_language_tag": {notEmpty: true},
	"bic":                {notEmpty: true},
	"cron":               {notEmpty: true},
}
