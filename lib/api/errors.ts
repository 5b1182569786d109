export { type ErrorCode, type ErrorKind, exitCodeOf, isSlipwayError, SlipwayError } from '../errors/index.ts';
