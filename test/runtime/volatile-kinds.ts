// The kinds of a system that keeps nothing.

export { counter } from './library-kinds.js';
