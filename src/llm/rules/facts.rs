//! The annotation lines of a prompt.

/// A box as the prompt writes it, and its edges.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FactBox {
    pub(super) text: String,
    /// Left, top, right, bottom.
    pub(super) edges: [f64; 4],
}

/// What the lines of a prompt say, in their order.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) captions: Vec<String>,
    pub(super) objects: Vec<(String, FactBox)>,
    pub(super) regions: Vec<(String, Option<FactBox>)>,
    pub(super) attributes: Vec<(String, FactBox, Vec<String>)>,
    pub(super) relationships: Vec<Relation>,
}

#[derive(Debug)]
pub(super) struct Relation {
    pub(super) subject: String,
    pub(super) predicate: String,
    pub(super) object: (String, FactBox),
}

enum Section {
    None,
    Captions,
    Objects,
    Regions,
    Attributes,
    Relationships,
}

impl Facts {
    pub(super) fn read(prompt: &str) -> Self {
        let mut facts = Self::default();
        let mut section = Section::None;
        for line in prompt.lines() {
            match (line, line.strip_prefix("- ")) {
                ("Captions:", _) => section = Section::Captions,
                ("Objects:", _) => section = Section::Objects,
                ("Regions:", _) => section = Section::Regions,
                ("Attributes:", _) => section = Section::Attributes,
                ("Relationships:", _) => section = Section::Relationships,
                (_, Some(fact)) => facts.add(&section, fact),
                _ => section = Section::None,
            }
        }
        facts
    }

    fn add(&mut self, section: &Section, fact: &str) {
        match section {
            Section::None => {}
            Section::Captions => self.captions.push(fact.to_owned()),
            Section::Objects => self.objects.extend(named_box(fact)),
            Section::Regions => match named_box(fact) {
                Some((phrase, bbox)) => self.regions.push((phrase, Some(bbox))),
                None => self.regions.push((fact.to_owned(), None)),
            },
            Section::Attributes => self.attributes.extend(attribute(fact)),
            Section::Relationships => self.relationships.extend(relation(fact)),
        }
    }
}

/// `clock: [0.526, 0.152, 0.625, 0.717]`
fn named_box(fact: &str) -> Option<(String, FactBox)> {
    // Boxes may have numbers by which they can be cited.
    let numbered = fact.rsplit_once(": #").and_then(|(name, rest)| Some((name, rest.split_once(" [")?.1)));
    let (name, bbox) = numbered.or_else(|| fact.rsplit_once(": ["))?;
    let (bbox, rest) = leading_box(bbox)?;
    rest.is_empty().then(|| (name.to_owned(), bbox))
}

/// `clock [0.526, 0.152, 0.625, 0.717]: green, tall`
fn attribute(fact: &str) -> Option<(String, FactBox, Vec<String>)> {
    let (name, rest) = fact.split_once(" [")?;
    let (bbox, values) = leading_box(rest)?;
    let values = values.strip_prefix(": ")?.split(", ").map(str::to_owned).collect();
    Some((name.to_owned(), bbox, values))
}

/// `man [0.302, 0.400, 0.350, 0.600] wears shirt [0.302, 0.450, 0.350, 0.500]`
fn relation(fact: &str) -> Option<Relation> {
    let (subject, rest) = fact.split_once(" [")?;
    let (_, rest) = leading_box(rest)?;
    let (middle, bbox) = rest.rsplit_once(" [")?;
    let (bbox, end) = leading_box(bbox)?;
    // Where the predicate ends is told by the name that the object has among the objects; see `Scene`.
    end.is_empty().then(|| Relation {
        subject: subject.to_owned(),
        predicate: middle.trim().to_owned(),
        object: (String::new(), bbox),
    })
}

/// The box behind an opening bracket, and what follows it.
fn leading_box(text: &str) -> Option<(FactBox, &str)> {
    let (inner, rest) = text.split_once(']')?;
    let mut edges = [0.0; 4];
    let mut numbers = inner.split(", ");
    for edge in &mut edges {
        *edge = numbers.next()?.parse().ok().filter(|edge| (0.0..=1.0).contains(edge))?;
    }
    let is_box = numbers.next().is_none() && edges[0] < edges[2] && edges[1] < edges[3];
    is_box.then(|| (FactBox { text: format!("[{inner}]"), edges }, rest))
}
