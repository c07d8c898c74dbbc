//! Messages of which only the annotations differ from image to image: the rest is rendered once.

use minijinja::Value;

use crate::task::TemplateVariables;
use crate::task::template::Variables;

/// Stands where an image's value comes in; a template that holds it itself is never prepared.
const MARK: char = '\u{1}';

/// A message in pieces.
#[derive(Debug)]
pub(super) struct Prepared(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    /// Index of the variable among those that differ from image to image.
    OfImage(usize),
}

/// Names and values of the variables that differ from image to image.
fn of_image<'a>(variables: &TemplateVariables<'a>) -> [(&'static str, Text<'a>); 9] {
    let [captions, objects, regions, attributes, relationships] = variables.sections.map(Text::Text);
    [
        ("annotations", Text::Text(variables.annotations)),
        ("captions", captions),
        ("objects", objects),
        ("regions", regions),
        ("attributes", attributes),
        ("relationships", relationships),
        ("image_id", Text::Text(variables.image_id)),
        ("width", Text::Number(variables.width)),
        ("height", Text::Number(variables.height)),
    ]
}

#[derive(Clone, Copy)]
enum Text<'a> {
    Text(&'a str),
    Number(u32),
}

/// The variables with marks for what differs from image to image.
pub(super) fn marked(variables: &TemplateVariables<'_>) -> Variables {
    let names = of_image(variables).map(|(name, _)| name);
    let marked = |(name, value)| match names.iter().position(|of_image| *of_image == name) {
        Some(index) => (name, Value::from(format!("{MARK}{index}{MARK}"))),
        None => (name, value),
    };
    variables.pairs().into_iter().map(marked).collect()
}

impl Prepared {
    /// A message that was rendered with [`marked`] variables.
    pub(super) fn new(rendered: &str) -> Self {
        let piece = |(index, part): (usize, &str)| match part.parse() {
            Ok(variable) if index % 2 == 1 => Piece::OfImage(variable),
            _ => Piece::Text(part.to_owned()),
        };
        Self(rendered.split(MARK).enumerate().map(piece).collect())
    }

    pub(super) fn fill(&self, variables: &TemplateVariables<'_>) -> String {
        let values = of_image(variables);
        let len = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::OfImage(index) => match values[*index].1 {
                Text::Text(text) => text.len(),
                Text::Number(_) => 10,
            },
        };
        let mut message = String::with_capacity(self.0.iter().map(len).sum());
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => message.push_str(text),
                Piece::OfImage(index) => match values[*index].1 {
                    Text::Text(text) => message.push_str(text),
                    Text::Number(number) => message.push_str(&number.to_string()),
                },
            }
        }
        message
    }
}

/// Whether a message shows what differs from image to image only as it is: `{{ annotations }}`, never filtered, looped
/// over or asked about. What is hard to tell is not.
pub(super) fn is_preparable(source: &str) -> bool {
    if source.contains(MARK) {
        return false;
    }
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let (end, is_block) = match rest.as_bytes().get(start + 1) {
            Some(b'{') => ("}}", false),
            Some(b'%') => ("%}", true),
            Some(b'#') => return false,
            _ => {
                rest = &rest[start + 1..];
                continue;
            }
        };
        let tag = &rest[start + 2..];
        let Some(len) = tag.find(end) else { return false };
        let code = tag[..len].trim_matches(['-', '+']).trim();
        if !is_plain(code, is_block) {
            return false;
        }
        rest = &tag[len + 2..];
    }
    true
}

fn is_plain(code: &str, is_block: bool) -> bool {
    let names = of_image(&TemplateVariables::default()).map(|(name, _)| name);
    if !is_block && names.contains(&code) {
        return true;
    }
    // A text might hold the end of a tag.
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    !code.contains(['"', '\''])
        && !words.clone().any(|word| names.contains(&word))
        && (!is_block || matches!(words.next(), Some("if" | "elif" | "else" | "endif")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Template;

    const VARIABLES: TemplateVariables<'_> = TemplateVariables {
        annotations: "Objects:\n- {{ dog }}",
        sections: ["a", "b", "c", "d", "e"],
        n_pairs: 3,
        n_conversations: 1,
        is_json: true,
        cites_numbers: false,
        image_id: "x",
        width: 40,
        height: 30,
    };

    #[test]
    fn what_differs_is_filled_in_as_the_engine_would() {
        let check = |source: &str, expected: &str| {
            assert!(is_preparable(source), "{source}");
            let messages = Template::new(source).unwrap().render(&VARIABLES).unwrap();
            assert_eq!(messages[0].content, expected);
        };
        check("{{ annotations }}", "Objects:\n- {{ dog }}");
        check(
            "a {{- width -}} x{{height}}{% if is_json %} {{ objects }}{% else %}no{% endif %} {{ n_pairs + 1 }}",
            "a40x30 b 4",
        );
        check("{ {{ image_id }} }", "{ x }");
    }

    #[test]
    fn what_is_done_with_the_annotations_is_left_to_the_engine() {
        for source in [
            "{{ annotations|upper }}",
            "{% if captions %}x{% endif %}",
            "{% set a %}{{ annotations }}{% endset %}{{ a|length }}",
            "{% raw %}{{ annotations }}{% endraw %}",
            "{{ '}}' ~ annotations|upper }}",
            "{# {{ #}{{ annotations }}",
            "{{ width * 2 }}",
            "\u{1}0\u{1}",
        ] {
            assert!(!is_preparable(source), "{source}");
        }
        let template =
            Template::new("{{ annotations|upper }} {% if captions == 'a' %}{{ width * 2 }}{% endif %}").unwrap();
        assert_eq!(template.render(&VARIABLES).unwrap()[0].content, "OBJECTS:\n- {{ DOG }} 80");
    }

    /// Other numbers asked for make another text.
    #[test]
    fn what_is_asked_for_may_change() {
        let template = Template::new("{{ n_pairs }} {{ annotations }}").unwrap();
        for n_pairs in [1, 2, 1] {
            let variables = TemplateVariables { n_pairs, ..VARIABLES };
            let expected = format!("{n_pairs} {}", VARIABLES.annotations);
            assert_eq!(template.render(&variables).unwrap()[0].content, expected);
        }
    }
}
