export { type CallFacts, callWords } from './call-words.ts';
export { type VendorScripts, vendorScriptsSchema } from './description.ts';
export { collectPublished, type PublishedFiles } from './published-files.ts';
export { quoteWord } from './quote-word.ts';
export { parseVendorTap, readVendorTap } from './read-tap.ts';
export {
  runVendorTests,
  type VendorCall,
  type VendorTestOptions,
  type VendorTestOutcome,
} from './run-vendor-tests.ts';
export { listSecrets, parseVariables } from './variables-file.ts';
export { reportNames } from './write-reports.ts';
