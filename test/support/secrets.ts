/** Made for tests, with `openssl genpkey -algorithm RSA`. */
const HAT_KEY =
  '-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDcbue+bwyDOITrqJjs2F9Q5' +
  'VrLzV0+tu+AWX2mNvM2tLXtJzxsPbMSkyRS7W/ih1FVKHOiu3R0anaa/mVf30tkDVY2aYf3lE1uDjKNyOgR4nDDpbRYBw6G8tTve' +
  'NwHqymN4wXkcbCoQJ2i5HVvGXgAr2aJZdKTaMoiPquGrM7smFtV1ssE6s6ic1LnNsALWJnsRr3Zogyd6K65Wd/V5ut5AXuP2gN1h' +
  'NIw6FR9hr21rgeWl2pVSFUAHx1giGCs+UFlSD+0kKDPnlHvcoHr/r43Dwy3msdLjE2cNvypoVtqWcvJf08h3/AnjKMfBHVyHVU5p' +
  'YLEeEjN58cStaGoExGLAgMBAAECggEAC1R1+99IVNxMVLKDPbU3XPiU7KG/F7Ceacnvv+HWKWsraKeaHvQi5qMCfHKwzANphkeAf' +
  'g5Fg5BPTVMjEcTv4pIe6sgM0YhhXHVFWu1HJFgvtJapSNcAA6aqlC5xnMFK7vyKun2vd05u68bzVEUKWnqpegluQ95geVcgSNlL/' +
  '3QS2oLa5e8xROcuOFaFo1GlRLRciGXAqFIL5e/Ds1bwPlb9Ry4UXSroSwJ4K8voRMkSneFDtetr2gUqkKKEt3T4Qv0ts8O5rI1Hi' +
  'XFq6H84Bn5FMjKNQmhtDZnNR3mLw8mVnYY99JeFRJkcL0kU6CLxM1y/55AaHAUkvsqq4VnvSQKBgQD14TjZ4hciWHFQTKQfcfKyb' +
  't4Cbz8aggx3FFA26HFe0li+4lZQZh4OluN7JM2Olqd0RhK76PkAcG9OVBmCSi3HK8Y61MZ+OcZeME6t58O82bgiupftpu263YTB+' +
  'JGFYEaQwGrOjFlfu989kJA0vnFJpNfr/pSPLNUeVyKsV6V9CQKBgQDlgY8NnQZsoiGxK5jSsbIpbgJ1XRCsabR0I/r7VvjeNsWlO' +
  'C8cL1aKm/mWaPFq9IRIsBhWyHxWsZSiCOSQL4UWI1vkMwNdzgw7bx4Gj9ReN+NObCPCu46KYhC9/tv8snXr83gs7DQUJ43fu0XXW' +
  'gsrXQYv9i+Yov3aenz7UQzS8wKBgEFSc2sXMLQ0MO53Xgbom+ShpaOZ8HbXY/5izCi6OhxJ37/em7XCW2ve1FKL5XxjM9ulHicD7' +
  'tsaA8gYeapukJjgXUqV6qHwMW4mgVCcSRkr8kpvrhs6BOBnJ3Ts16RKfpTIOdfj236eh+FwPY91pN0+yQpuWQNskrX7yj9lDZcZA' +
  'oGAJacb0R/x7eCrpmWArRB6KlHiFV8vXRn6gRNmGdYq/kn+Ix0UnYsmp5bvW73b3bBAA6zgUVyTCaYYvHy5Au7I5tjmOookAz/Kw' +
  'fV495qhPNPudu9G7qvWtt1f4cvuS4b70bof/T7DTIswu4P98VbUfkjEuxmotWIIQ8/UsWaatAECgYEA8RwhR5o0zegjzx/FRkchn' +
  'NJSxzcZg9r7P6sf0/Y1x1m697/6YSwPrXXxBzy1TS4uGXsPTSk8zx+sWVEQ6yc0H80iXxkAZUx/fI2mLpQ586uF8VsJU6KaOCapa' +
  'qUsmQf7x0BXjaI7PTDEfPlW0x1BZpR0lOqD1jSh34TgsLGN26Y=-----END PRIVATE KEY-----'

/** Given to every Worker under test, so that a fresh clone needs no `.dev.vars`, and one that has it changes nothing. */
export const SECRETS = {
  OPERATOR_KEY: 'op_only-for-tests-0123456789abcdefghijklmnop',
  TOKEN_KEYS: '1:dGVzdC1vbmx5LXRva2VuLXNpZ25pbmcta2V5LTAwMDE',
  HAT_SIGNING_KEY: HAT_KEY,
  S3_ACCESS_KEY_ID: 'local',
  S3_SECRET_ACCESS_KEY: 'local-only-not-a-secret',
}
