import { type BoundFunctions, configure, fireEvent, type queries, within } from '@testing-library/dom';
import { Browser, BrowserErrorCaptureEnum, type BrowserWindow } from 'happy-dom';

/** testing-library knows elements as browsers do; those of happy-dom are of its own types. */
type Root = Parameters<typeof within>[0];
type Shown = BoundFunctions<typeof queries>;

/** What is waited for here is work of the controller, not only of the page. */
configure({ asyncUtilTimeout: 40_000 });

/** Pages of the web UI as a browser has them: fetched from the controller, with their scripts at work. */
export class WebPage {
  private constructor(
    private readonly browser: Browser,
    readonly window: BrowserWindow,
  ) {}

  static async open(url: string): Promise<WebPage> {
    const browser = new Browser({
      settings: {
        enableJavaScriptEvaluation: true,
        suppressInsecureJavaScriptEnvironmentWarning: true, // what it runs is ours
        errorCapture: BrowserErrorCaptureEnum.tryAndCatch,
      },
    });
    const page = browser.newPage();
    await page.goto(url);
    return new WebPage(browser, page.mainFrame.window);
  }

  /** Opened by somebody who signs in. */
  static async signedIn(url: string, token: string): Promise<WebPage> {
    const page = await WebPage.open(url);
    await page.signIn(token);
    await page.shown.findByRole('navigation');
    return page;
  }

  /** What a reader sees, and finds by what it is called. */
  get shown(): Shown {
    return within(this.window.document.body as unknown as Root);
  }

  async signIn(token: string): Promise<void> {
    fireEvent.input(await this.shown.findByLabelText(/API token/), { target: { value: token } });
    await this.press('Sign in');
  }

  async write(label: string, value: string): Promise<void> {
    fireEvent.input(await this.shown.findByLabelText(label), { target: { value } });
  }

  async press(name: string): Promise<void> {
    fireEvent.click(await this.shown.findByRole('button', { name }));
  }

  async follow(name: string): Promise<void> {
    fireEvent.click(await this.shown.findByRole('link', { name }));
  }

  /** The text of a table, cell by cell and without its headings, once it is there. */
  async rows(name: string): Promise<string[][]> {
    const table = await this.shown.findByRole('table', { name });
    const rows = [...table.querySelectorAll('tbody tr')];
    return rows.map((row) => [...row.children].map(({ textContent }) => textContent ?? ''));
  }

  /** The text of what is said to be wrong, once something is. */
  async alert(): Promise<string> {
    return (await this.shown.findByRole('alert')).textContent ?? '';
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
