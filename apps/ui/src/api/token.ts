const key = 'dodai-api-token';

/** Kept until the tab is closed, and for this tab alone. */
export const storedToken = (): string | null => sessionStorage.getItem(key);
export const keepToken = (token: string): void => sessionStorage.setItem(key, token);
export const forgetToken = (): void => sessionStorage.removeItem(key);
