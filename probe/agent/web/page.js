// Fetches the page again while somebody looks at it and reads nothing in it.
(() => {
  const stale = document.getElementById("stale");
  const again = async () => {
    if (!document.hidden && !document.querySelector("main :focus")) {
      try {
        const answer = await fetch(location.href);
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["main", "footer"]) document.querySelector(part).replaceWith(page.querySelector(part));
        document.title = page.title;
        stale.hidden = true;
      } catch {
        stale.hidden = false;
      }
    }
    setTimeout(again, 30000);
  };
  setTimeout(again, 30000);
})();
