import { TakesBody } from '../http/body.interceptor.js';
import { MiB } from '../http/body-reader.js';

/** Files and config drives of 64 MiB come along in base64, which makes a third more of them. */
export const TakesConfiguration = () => TakesBody({ limitBytes: 96 * MiB });
