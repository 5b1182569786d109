export { nameField, numberField, paddedBytes, sizeField, TAR_BLOCK_BYTES, textField } from './header.ts';
export { parsePax } from './pax.ts';
