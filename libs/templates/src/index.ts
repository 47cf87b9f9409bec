/**
 * Renders what machines are served: the files in /templates, each with a typed context that is checked first.
 * Words: a *template* is a file there; its *parameters* are the fields of its *context*; a *snippet* is plain
 * text (shell functions) that templates include.
 */
export { type GuestNetwork, guestNetwork } from './guest-network.js';
export { templateSchemas, type TemplateContext, type TemplateName } from './contexts.js';
export { TemplateRenderer } from './template-renderer.js';
export { AnyNamed, renderText, type TextFault } from './text-renderer.js';
