"""English phrases: what is said about each theme when it was bad, neither, or good, and what goes around it.

{p} is the product, {d} a number of days.
"""

CORES = {
    ("delivery", -1): (
        "my parcel took {d} days to arrive", "the delivery was {d} days late",
        "still waiting for the {p} after {d} days",
        "the courier left the box in the rain", "nobody could tell me where my order was",
        "tracking has not moved for {d} days",
        "it came far too late for the birthday", "the promised delivery date meant nothing",
        "not what I call fast shipping",
    ),
    ("delivery", 0): (
        "the parcel arrived after {d} days", "delivery was about what I expected", "it was left with a neighbour",
        "can you tell me when the {p} will be sent", "I would like to change the delivery address",
        "the box came on Tuesday",
    ),
    ("delivery", 1): (
        "the delivery was really quick", "it arrived a day early", "ordered on Monday and here on Wednesday",
        "shipping was much faster than promised", "the courier was kind and careful",
        "no waiting at all, very prompt",
        "it came on time and well packed",
    ),
    ("quality", -1): (
        "the {p} was broken when I opened it", "the {p} fell apart after {d} days", "the paint comes off the {p}",
        "it looks cheap and feels worse", "the {p} arrived cracked", "the stitching was loose",
        "not well made at all",
        "the handle came off at first use", "I expected better quality than this",
    ),
    ("quality", 0): (
        "the {p} is all right for what it is", "the quality is average", "it is neither good nor bad",
        "what is the {p} made of", "does the {p} go in the dishwasher",
        "the colour is a little different from the picture",
    ),
    ("quality", 1): (
        "the {p} is beautifully made", "the quality is excellent", "the {p} feels solid and looks lovely",
        "even nicer than in the pictures", "not a single scratch and well finished", "the {p} has lasted for months",
        "you can tell it was made with care", "my customers love the {p}",
    ),
    ("service", -1): (
        "nobody answered my mail for {d} days", "the person on the phone was rude", "I was passed from desk to desk",
        "support promised to call back and never did", "I had to explain everything three times",
        "your staff did not care at all", "the chat was closed on me", "no help whatsoever from your team",
    ),
    ("service", 0): (
        "I spoke to someone on the phone", "your team asked me for the order number", "I received the usual answer",
        "who should I talk to about an invoice", "please update my contact details",
        "I got a reply after {d} days, fine",
    ),
    ("service", 1): (
        "your staff were so helpful", "the problem was solved in five minutes", "I got a friendly answer at once",
        "the lady on the phone was wonderful", "support went out of their way for me",
        "I could not ask for better service",
        "they replaced the {p} without any fuss",
    ),
    ("wrong_item", -1): (
        "I ordered the {p} and got something else", "the wrong colour was in the box",
        "half of the order was missing",
        "you sent two of one and none of the other", "this is not what I ordered",
        "the {p} in the box is the wrong size",
        "the parcel was clearly meant for someone else",
    ),
    ("wrong_item", 0): (
        "I think the packing list differs from my order", "may I swap the {p} for another colour",
        "one item came in a second parcel", "could you check what was packed", "I chose the wrong size myself",
    ),
    ("wrong_item", 1): ("everything in the box was exactly as ordered", "the order was complete to the last piece"),
    ("price", -1): (
        "far too expensive for a {p}", "the price went up overnight", "I was charged twice",
        "postage costs more than the {p}",
        "the discount was not applied", "not worth the money", "the same thing is cheaper everywhere else",
    ),
    ("price", 0): (
        "how much is the {p} for fifty pieces", "the price is about the same as elsewhere",
        "please send me a quotation",
        "is there a discount for larger orders", "the price is ordinary",
    ),
    ("price", 1): (
        "great value for money", "the {p} was a real bargain", "cheaper than anywhere else and just as good",
        "the discount was a nice surprise", "worth every penny", "fair prices as always",
    ),
    ("range", -1): (
        "the {p} is always out of stock", "hardly anything new this season",
        "you stopped selling the one thing I need",
        "the choice gets smaller every year", "no spare parts for the {p}",
    ),
    ("range", 0): (
        "will the {p} be back in stock", "do you have the {p} in green", "the selection is similar to last year",
        "are there new arrivals this month",
    ),
    ("range", 1): (
        "so many lovely things to choose from", "I always find something new", "the new collection is gorgeous",
        "the choice of gifts is fantastic", "finally a shop that stocks the {p}",
    ),
    ("website", -1): (
        "the website crashed at checkout", "I could not log in for {d} days", "the search finds nothing",
        "my basket was emptied twice", "paying was a nightmare", "the site is painfully slow",
    ),
    ("website", 0): (
        "how do I reset my password", "where do I find my invoices on the site", "I used the mobile site",
        "can I change the mail address of my account",
    ),
    ("website", 1): (
        "ordering was easy", "the website is a pleasure to use", "checkout took less than a minute",
        "the photos on the site are very helpful", "simple and clear, no trouble at all",
    ),
}  # fmt: skip
OPENINGS = {
    -1: (
        "",
        "Honestly, ",
        "Sorry to say, ",
        "Again: ",
        "I am disappointed, ",
        "Hello, ",
        "Well, ",
        "Unbelievable, ",
        "So, ",
    ),
    0: ("", "Hello, ", "Hi there, ", "Just to say, ", "Quick note: ", "Good morning, ", "FYI, ", "A question: "),
    1: ("", "Thank you, ", "Wow, ", "Just wanted to say, ", "Lovely: ", "Hello, ", "So happy, ", "Once more, ", "Hi, "),
}
CLOSINGS = {
    -1: (".", ". Not good enough.", ". I want my money back.", ". Never again.", ". Please sort this out.", "!!",
        " 😡", " 👎",
         ". Very unhappy.", ". I will shop elsewhere.", ". What a waste of time.", ". One star is generous."),
    0: (".", ". Thanks.", ". Regards.", ".", ", that is all.", ". No hurry.", ". Please let me know.", " 🙂 thanks."),
    1: (".", ". Highly recommended.", "!", " 😍", " 👍", ". Will order again.", ". Five stars.", ". Keep it up!",
        ". Could not be happier.", ". My friends are jealous.", ". Perfect."),
}  # fmt: skip
# Words that say the opposite of what they mean: rare, and what a reader of words alone gets wrong.
IRONIC = ("Great, ", "Well done, ", "Brilliant, ", "Congratulations, ", "Oh lovely, ")
