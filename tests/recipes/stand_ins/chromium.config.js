// The recipe's own configuration, with the browser of the system in place of one that Playwright downloads.
import recipe from './playwright.config.js';

const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export default {
  ...recipe,
  reporter: 'json',
  use: { ...recipe.use, launchOptions: { executablePath: process.env.CHROMIUM, args } },
};
