export { type CompareParts, compareFiles } from './compare.ts';
export { describeNode, type FlatDifference, flatten } from './describe.ts';
export { compareJson } from './json.ts';
export { printable } from './printable.ts';
export { renderHtml } from './render-html.ts';
export { renderText, type TextLimits } from './render-text.ts';
export { type Change, type Difference, type Kind, LIMITS, type Limits } from './types.ts';
