// The reader's own variant of the page's language, and numbers in it.

const language = document.documentElement.lang;

export const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

export const number = (options) => new Intl.NumberFormat(locale, { useGrouping: "always", ...options }).format;
export const integer = number({ maximumFractionDigits: 0 });
