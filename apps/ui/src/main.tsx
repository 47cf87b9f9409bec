import './zod-without-eval.js';
import '@picocss/pico/css/pico.min.css';
import { render } from 'preact';
import { App } from './app.js';

render(<App />, document.body);
