(() => {
  "use strict";
  const PAGE = 12;
  const byId = (id) => document.getElementById(id);
  // Pages without a gallery have nothing to filter.
  if (!byId("gallery")) return;
  const cards = [...document.querySelectorAll("article.card")].map((element) => ({
    element,
    objects: element.dataset.objects,
    about: element.querySelector(".left").textContent.toLowerCase(),
    units: [...element.querySelectorAll("section.unit")].map((unit) => ({
      element: unit,
      issues: unit.dataset.issues.split(" "),
      text: unit.textContent.toLowerCase(),
    })),
  }));
  const controls = ["task", "state", "issue", "object", "text"].map(byId);
  const [task, state, issue, object, text] = controls;
  let page = 0;
  let found = [];

  const isWanted = (card, unit) =>
    (!task.value || unit.element.dataset.task === task.value) &&
    (!state.value || unit.element.dataset.state === state.value) &&
    (!issue.value || unit.issues.includes(issue.value)) &&
    (!object.value || card.objects.includes(object.value.trim().toLowerCase())) &&
    (!text.value || unit.text.includes(text.value.toLowerCase()) || card.about.includes(text.value.toLowerCase()));

  const show = () => {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const onPage = new Set(found.slice(page * PAGE, (page + 1) * PAGE));
    for (const card of cards) card.element.hidden = !onPage.has(card);
    byId("page").textContent = `page ${page + 1} of ${pages}`;
    byId("before").disabled = page === 0;
    byId("after").disabled = page === pages - 1;
    byId("before").parentElement.hidden = pages === 1;
    byId("nothing").hidden = found.length > 0;
  };

  const filter = () => {
    let units = 0;
    found = cards.filter((card) => {
      let n = 0;
      for (const unit of card.units) {
        const wanted = isWanted(card, unit);
        unit.element.hidden = !wanted;
        n += wanted;
      }
      units += n;
      return n > 0;
    });
    byId("found").textContent = `${units} ${units === 1 ? "unit" : "units"} on ${found.length} ${found.length === 1 ? "image" : "images"}`;
    page = 0;
    show();
  };

  const reset = () => {
    for (const control of controls) control.value = "";
    filter();
  };

  const turn = (by) => {
    page += by;
    show();
    byId("gallery").scrollIntoView();
    byId("gallery").focus({ preventScroll: true });
  };

  // A link to one sample leads to its page, whatever the filters say.
  const follow = () => {
    const unit = location.hash && byId(location.hash.slice(1));
    if (!unit || !unit.matches("section.unit")) return;
    if (unit.hidden) reset();
    const at = found.findIndex((card) => card.element.contains(unit));
    if (at < 0) {
      reset();
      return follow();
    }
    page = Math.floor(at / PAGE);
    show();
    unit.scrollIntoView();
  };

  // What the mouse points at, else what the keyboard has reached.
  const light = (event) => {
    const selector = "[data-boxes], [data-box]";
    const source = event.target.closest?.(selector) || document.activeElement?.closest(selector);
    const card = source?.closest("article.card");
    for (const lit of document.querySelectorAll(".on, .lit")) lit.classList.remove("on", "lit");
    if (!card) return;
    const names = (source.dataset.boxes || source.dataset.box).split(" ");
    const boxes = [...card.querySelectorAll("[data-box]")].filter((box) => names.includes(box.dataset.box));
    for (const box of boxes) box.classList.add("on");
    card.querySelector(".picture")?.classList.add("lit");
  };

  for (const control of controls) control.addEventListener("input", filter);
  byId("reset").addEventListener("click", reset);
  byId("before").addEventListener("click", () => turn(-1));
  byId("after").addEventListener("click", () => turn(1));
  for (const name of ["mouseover", "focusin"]) document.addEventListener(name, light);
  addEventListener("hashchange", follow);
  document.querySelector(".filters").hidden = false;
  filter();
  follow();
})();
