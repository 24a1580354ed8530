// Seal
//
// Encrypts an answer that holds a token, so that it can be kept for a repeat with the same Idempotency-Key and yet be
// read by nobody but the caller: the key is made from what only the caller has, its own token or, when it has none yet,
// the Idempotency-Key that it chose.
//
// Layout: version (1 byte, 1) · salt (16) · tag (16) · ciphertext (as long as the plain text in UTF-8).
// HKDF-SHA256 (RFC 5869) of the secret, with the salt and the SHA-256 of the context as its info, gives 44 bytes: the
// AES-256-GCM key (32) and the nonce (12). The salt is new each time, so no key is used twice. The version is
// authenticated as additional data.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const VERSION_BYTES = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const HEADER_BYTES = VERSION_BYTES + SALT_BYTES + TAG_BYTES;

/** `context` says what is sealed and for whom; it must be the same to unseal. Tens of µs. */
export function seal(secret: string, context: string, plain: string): Uint8Array {
  const salt = randomBytes(SALT_BYTES);
  const { key, nonce } = derive(secret, context, salt);
  const version = Uint8Array.of(VERSION);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(version);
  const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([version, salt, cipher.getAuthTag(), text]);
}

/** The plain text, or undefined when the secret, the context or any bit of `sealed` is not what it was. */
export function unseal(secret: string, context: string, sealed: Uint8Array): string | undefined {
  if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION) return undefined;
  const salt = sealed.subarray(VERSION_BYTES, VERSION_BYTES + SALT_BYTES);
  const { key, nonce } = derive(secret, context, salt);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(sealed.subarray(0, VERSION_BYTES))
    .setAuthTag(sealed.subarray(VERSION_BYTES + SALT_BYTES, HEADER_BYTES));
  const text = decipher.update(sealed.subarray(HEADER_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    // The only thing that final() throws for: the tag does not fit.
    return undefined;
  }
}

function derive(secret: string, context: string, salt: Uint8Array): { key: Buffer; nonce: Buffer } {
  const info = createHash('sha256').update(context).digest();
  const bytes = Buffer.from(hkdfSync('sha256', secret, salt, info, KEY_BYTES + NONCE_BYTES));
  return { key: bytes.subarray(0, KEY_BYTES), nonce: bytes.subarray(KEY_BYTES) };
}
