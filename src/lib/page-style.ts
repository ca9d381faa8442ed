/** Where the style sheet of every page that the gateway makes is served, failure pages included. */
export const STYLE_PATH = '/.sallyport/style.css';
