//! Amazon SNS: `{field}\n{value}\n` for the fields that a message has.
//!
//! A message and its subject are the publisher's to choose, line feeds and all, so a text could be cut into fields in more
//! than one way: whoever may publish to a topic of their own could have Amazon sign what reads as a message of ours. It can't
//! where no other field holds a line feed, because then the text is read from its end in one way only.

use super::super::Rejection;
use serde_json::Value;
use tidings_config::AWS_SNS_FIELDS;

/// The fields whose text is the publisher's.
const FREE: [&str; 2] = ["Message", "Subject"];

pub(super) fn feed(json: Option<&Value>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Rejection> {
    for field in AWS_SNS_FIELDS {
        let Some(value) = json.and_then(|body| body.get(field)).filter(|value| !value.is_null()) else { continue };
        let text = value.as_str().ok_or(Rejection::MalformedBody)?;
        if text.contains('\n') && !FREE.contains(&field) {
            return Err(Rejection::MalformedBody);
        }
        for piece in [field, "\n", text, "\n"] {
            sink(piece.as_bytes());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(body: &Value) -> Result<String, Rejection> {
        let mut text = Vec::new();
        feed(Some(body), &mut |bytes| text.extend_from_slice(bytes))?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn fields_stand_in_their_order_and_absent_ones_dont() {
        let body = json!({"Type": "Notification", "Message": "a\nb", "TopicArn": "arn", "Subject": null, "Other": "x"});
        assert_eq!(text(&body).unwrap(), "Message\na\nb\nTopicArn\narn\nType\nNotification\n");
    }

    /// What a publisher had signed with a topic of their own, cut so that it names another's.
    #[test]
    fn a_text_can_be_cut_in_one_way_only() {
        let theirs = json!({"Message": "x\nTopicArn\nours\nType\nNotification", "TopicArn": "theirs", "Type": "Notification"});
        let recut = json!({"Message": "x", "TopicArn": "ours", "Type": "Notification\nTopicArn\ntheirs\nType\nNotification"});
        assert!(text(&theirs).is_ok());
        assert_eq!(text(&recut), Err(Rejection::MalformedBody));
    }

    #[test]
    fn a_field_that_is_no_text_is_no_field() {
        assert_eq!(text(&json!({"Message": 1})), Err(Rejection::MalformedBody));
    }
}
