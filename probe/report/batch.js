(() => {
  "use strict";
  // Only hides rows: without it the page says the same.
  const part = document.getElementById("batch-rows");
  const box = document.getElementById("batch-find");
  if (!box) return;
  const told = document.getElementById("batch-found");
  const rows = part.querySelectorAll("tbody tr");
  let texts = null, timer = 0;
  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = part.querySelector("input[name=show]:checked").id.slice(5);
    texts = texts || Array.from(rows, (row) => row.textContent.toLowerCase());
    let left = 0;
    rows.forEach((row, i) => {
      const hit = words.every((word) => texts[i].includes(word));
      row.hidden = !hit;
      if (hit && (chosen === "all" || row.classList.contains(chosen))) left++;
    });
    part.classList.toggle("found", words.length > 0);
    told.textContent = words.length > 0 || chosen !== "all" ? left + " of " + rows.length + " rows" : "";
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(show, 150); };
  box.addEventListener("input", soon);
  part.addEventListener("change", soon);
  document.getElementById("batch-search").hidden = false;
})();
